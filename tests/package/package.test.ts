/** The package as npm packs it, installed in a clean folder, and used as programs use it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'ava';
import { rolldown } from 'rolldown';
import { chromiumTest, closeBrowser, openPage } from '../browser/chromium.ts';
import { companySets, sampleCatalog } from '../catalog/sample_catalog.ts';

const checkout = resolve(import.meta.dirname, '..', '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'ferrite-package-'));
const run = (program: string, ...words: string[]): string =>
  execFileSync(program, words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

test.before(async () => {
  const packed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: checkout,
    encoding: 'utf8',
  });
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true }');
  run(
    'npm',
    'install',
    '--silent',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--ignore-scripts',
    `./${packed.trim()}`,
  );
  writeFileSync(join(folder, 'company.sqlite'), await sampleCatalog(companySets()));
});

test.after.always(closeBrowser);
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const USE = `
  const catalog = await openCatalog('company.sqlite');
  const [found] = catalog.search('thesis').matches;
  console.log(catalog.pools().map(({ pool }) => pool).join(), catalog.tapes().length, found.name);
  catalog.close();`;

test('from an ES module', (t) => {
  writeFileSync(join(folder, 'use.mjs'), `import { openCatalog } from 'ferrite-tape/catalog';\n${USE}`);
  t.is(run('node', 'use.mjs').trim(), 'daily,offsite 7 thesis.odt');
});

test('from CommonJS', (t) => {
  writeFileSync(
    join(folder, 'use.cjs'),
    `const { openCatalog } = require('ferrite-tape/catalog');\n(async () => {${USE}})();`,
  );
  t.is(run('node', '--no-warnings', 'use.cjs').trim(), 'daily,offsite 7 thesis.odt');
  writeFileSync(
    join(folder, 'main.cjs'),
    `const ferrite = require('ferrite-tape');\nconsole.log(typeof ferrite.backup, typeof ferrite.searchCatalog);`,
  );
  t.is(run('node', '--no-warnings', 'main.cjs').trim(), 'function function');
});

test('slim loads nothing by itself, and works with an engine that is brought along', (t) => {
  writeFileSync(
    join(folder, 'slim.mjs'),
    `import { createRequire } from 'node:module';
    import { readFileSync } from 'node:fs';
    import { Catalog } from 'ferrite-tape/slim';
    const { cache, resolve } = createRequire(import.meta.resolve('ferrite-tape/slim'));
    const before = Object.keys(cache).length;
    const { default: initSqlJs } = await import('sql.js');
    const catalog = Catalog.open(await initSqlJs(), readFileSync('company.sqlite'));
    console.log(before, catalog.statistics().tapes);`,
  );
  t.is(run('node', 'slim.mjs').trim(), '0 7');
});

test('types are those of the functions', (t) => {
  mkdirSync(join(folder, 'typed'), { recursive: true });
  writeFileSync(
    join(folder, 'typed', 'use.mts'),
    `import { openCatalog, type TapeSummary } from 'ferrite-tape/catalog';
    import { Catalog } from 'ferrite-tape/slim';
    const catalog: Catalog = await openCatalog('x');
    const tapes: TapeSummary[] = catalog.tapes({ pool: 'daily' });
    // @ts-expect-error: there is no such filter
    catalog.tapes({ colour: 'blue' });
    export const labels: string[] = tapes.map(({ labelText }) => labelText);`,
  );
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    '',
    'typed/use.mts',
  ];
  t.notThrows(() => run(join(checkout, 'node_modules/.bin/tsc'), ...options));
});

/** As an application for browsers is built. */
async function bundled(entry: string): Promise<string> {
  const input = join(folder, 'browser.mjs');
  writeFileSync(input, entry);
  const build = await rolldown({ input, platform: 'browser', cwd: folder, logLevel: 'silent' });
  const { output } = await build.generate({ format: 'iife', name: 'bundle', minify: true });
  await build.close();
  if (output.length !== 1) throw new Error(`came out as ${output.length} files`);
  return output[0].code;
}

test('in a build for browsers everything is inside, and of slim nothing but itself', async (t) => {
  const whole = await bundled("export { openCatalog } from 'ferrite-tape/catalog';");
  t.true(whole.length > 600_000, 'the engine is inside');
  const slim = await bundled("export { Catalog } from 'ferrite-tape/slim';");
  t.true(slim.length < 60_000, `${slim.length} bytes`);
});

chromiumTest('the build for browsers answers in one', async (t) => {
  const code = await bundled(
    `import { openCatalog } from 'ferrite-tape/catalog';
    document.getElementById('file').addEventListener('change', async ({ target }) => {
      const catalog = await openCatalog(target.files[0]);
      document.title = catalog.search('thesis').matches[0].name;
    });`,
  );
  const page = join(folder, 'page.html');
  writeFileSync(
    page,
    `<!doctype html><title>waiting</title><input type="file" id="file"><script>${code.replaceAll('</script', '<\\/script')}</script>`,
  );
  const opened = await openPage(t, page);
  await opened.page.setInputFiles('#file', join(folder, 'company.sqlite'));
  await opened.page.waitForFunction(() => document.title !== 'waiting');
  t.is(await opened.page.title(), 'thesis.odt');
  t.deepEqual(opened.requests, []);
});
