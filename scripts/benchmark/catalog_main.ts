/**
 * `scripts/bench --only catalog`: a catalog of 10 million chunks and 1 million files over 40 tapes. How long it takes to
 * build, what it takes on disk and in memory, and how fast it answers in Node and in Chromium.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { openCatalog } from '../../ts/catalog/open_catalog.ts';
import { catalogPage } from '../../ts/index.ts';
import { makeCatalogSite } from './catalog_site.ts';

const quick = process.argv.includes('--quick');
const SIZE = { tapes: 40, chunks: quick ? 1_000_000 : 10_000_000, files: quick ? 100_000 : 1_000_000 };
const parent = process.argv[process.argv.indexOf('--dir') + 1];
const directory = process.argv.includes('--dir') && parent !== undefined ? parent : '/var/tmp';

interface Figure {
  name: string;
  value: number;
  unit: string;
  /** At most so much; absent: told for information. */
  target?: number;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function timed(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

async function measureNode(file: string): Promise<Figure[]> {
  const started = performance.now();
  const catalog = await openCatalog(file);
  const open = performance.now() - started;
  // Each text is new, so that nothing is answered from what was just looked at.
  const prefix = median(
    ['report-4', 'invoice-5', 'photo-6', 'budget-7', 'letter-8'].map((text) => timed(() => catalog.search(text))),
  );
  const substring = median(['zq7', 'xk3', 'b9q', 'q0z', 'nothing'].map((text) => timed(() => catalog.search(text))));
  const roots = catalog.snapshots({}, { limit: 200 }).flatMap(({ root }) => root ?? []);
  const lookups = timed(() => roots.map((root) => catalog.directory(root))) / roots.length;
  catalog.close();
  return [
    { name: 'Node: open', value: open, unit: 'ms' },
    { name: 'Node: search by beginning', value: prefix, unit: 'ms', target: 50 },
    { name: 'Node: search by part', value: substring, unit: 'ms', target: 300 },
    { name: 'Node: directories listed per second', value: 1000 / lookups, unit: '/s' },
  ];
}

/** Changes the address and waits until the page shows something new. */
const clickAndWait = (address: string): string => `(async () => {
  const main = document.getElementById('main');
  main.firstElementChild.dataset.old = 'yes';
  const started = performance.now();
  location.hash = ${JSON.stringify(address)};
  await new Promise((done) => {
    const look = () => document.querySelector('#main > :not([data-old])') ? done() : setTimeout(look, 1);
    look();
  });
  return performance.now() - started;
})()`;

async function measureChromium(folder: string, file: string): Promise<Figure[]> {
  const executablePath = process.env.FERRITE_CHROMIUM || '/usr/bin/chromium';
  if (!existsSync(executablePath)) return [];
  const path = join(folder, 'page.html');
  await catalogPage({ file: path });
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(path).href);
    const started = performance.now();
    await page.setInputFiles('#file', file);
    await page.waitForSelector('.cartridge', { timeout: 120_000 });
    const open = performance.now() - started;
    const visit = async (addresses: readonly string[]): Promise<number> => {
      const times: number[] = [];
      for (const address of addresses) times.push(Number(await page.evaluate(clickAndWait(address))));
      return median(times);
    };
    await visit(['#/search/warm']);
    const prefix = await visit(
      ['report-4', 'invoice-5', 'photo-6', 'budget-7', 'letter-8'].map((text) => `#/search/${text}`),
    );
    const substring = await visit(['zq7', 'xk3', 'b9q', 'q0z', 'nothing'].map((text) => `#/search/${text}`));
    await page.evaluate(clickAndWait('#/search/report-4'));
    const links = (await page.evaluate(
      "[...document.querySelectorAll('tbody a')].map((link) => link.getAttribute('href'))",
    )) as string[];
    const files = [...new Set(links.filter((link) => link.startsWith('#/snapshot/')))].slice(0, 9);
    const tapes = [...new Set(links.filter((link) => link.startsWith('#/tape/')))].slice(0, 5);
    return [
      { name: 'Chromium: open a dropped catalog', value: open, unit: 'ms' },
      { name: 'Chromium: search by beginning, shown', value: prefix, unit: 'ms', target: 100 },
      { name: 'Chromium: search by part, shown', value: substring, unit: 'ms', target: 300 },
      { name: 'Chromium: click on a directory, shown', value: await visit(files), unit: 'ms', target: 100 },
      { name: 'Chromium: click on a tape, shown', value: await visit(tapes), unit: 'ms', target: 100 },
      {
        name: 'Chromium: click on the snapshots, shown',
        value: await visit(['#/snapshots//', '#/tapes', '#/snapshots//']),
        unit: 'ms',
        target: 100,
      },
    ];
  } finally {
    await browser.close();
  }
}

const folder = mkdtempSync(join(directory, 'ferrite-bench-'));
try {
  process.stdout.write(
    `${cpus()[0]?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n`,
  );
  process.stdout.write(
    `making an archive of ${SIZE.chunks} chunks and ${SIZE.files} files over ${SIZE.tapes} tapes in ${folder}\n`,
  );
  const root = join(folder, 'root');
  await makeCatalogSite(root, SIZE);
  const file = join(folder, 'catalog.sqlite');
  const build = join(import.meta.dirname, 'catalog_build.js');
  const built = JSON.parse(execFileSync(process.execPath, [build, root, file], { encoding: 'utf8' })) as {
    bytes: number;
    entries: number;
    seconds: number;
    peakBytes: number;
  };
  const cache = join(root, 'var/cache/ferrite');
  const indexes = readdirSync(cache).filter((name) => name.endsWith('.chunks'));
  const indexBytes = indexes.reduce((sum, name) => sum + statSync(join(cache, name)).size, 0);
  const figures: Figure[] = [
    { name: 'build and export', value: built.seconds, unit: 's', target: 60 },
    { name: 'peak memory (resident)', value: built.peakBytes / 2 ** 20, unit: 'MiB', target: 600 },
    { name: 'database per file or directory', value: built.bytes / built.entries, unit: 'bytes' },
    { name: 'chunk index per chunk', value: indexBytes / SIZE.chunks, unit: 'bytes', target: 40 },
    ...(await measureNode(file)),
    ...(await measureChromium(folder, file)),
  ];
  for (const { name, value, unit, target } of figures) {
    const verdict =
      target === undefined ? '' : value <= target ? `  (at most ${target}: reached)` : `  (at most ${target}: MISSED)`;
    process.stdout.write(`${name.padEnd(42)} ${value.toFixed(1).padStart(9)} ${unit}${verdict}\n`);
  }
  mkdirSync('artefacts', { recursive: true });
  writeFileSync('artefacts/bench-catalog.json', `${JSON.stringify({ size: SIZE, figures }, null, 1)}\n`);
  const missed = figures.some(({ value, target }) => target !== undefined && value > target);
  if (missed && process.argv.includes('--strict')) process.exitCode = 2;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
