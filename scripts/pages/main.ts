/** Builds the offline pages into dist/pages. Run by scripts/build-pages in the checkout, after scripts/build-ts. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { assemblePage } from './assemble.ts';
import { ASSET_FILES, PAGES, type PageDeclaration } from './pages.ts';

/** One classic script, everything in it. */
async function bundle(entry: string): Promise<string> {
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    treeshake: true,
    // The generated package names a file beside it, which the pages carry inside.
    checks: { emptyImportMeta: false },
    // sql.js looks for these where it runs in Node.
    external: ['node:fs', 'node:path', 'node:crypto'],
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(`${entry}: ${log.message}`);
    },
  });
  const { output } = await build.generate({ format: 'iife', minify: true });
  await build.close();
  if (output.length !== 1) throw new Error(`${entry}: came out as ${output.length} files`);
  return output[0].code;
}

async function buildPage({ name, title, assets, worker }: PageDeclaration): Promise<void> {
  const sources = join('ts/browser', name);
  const compiled = join('dist', sources);
  const binaries = Object.fromEntries(assets.map((asset) => [asset, readFileSync(ASSET_FILES[asset])]));
  const page = await assemblePage({
    title,
    markup: readFileSync(join(sources, 'page.html'), 'utf8').trim(),
    style: readFileSync('ts/browser/shared/base.css', 'utf8') + readFileSync(join(sources, 'page.css'), 'utf8'),
    script: await bundle(join(compiled, 'main.js')),
    embedded: {
      ...binaries,
      ...(worker && { worker: Buffer.from(await bundle(join(compiled, 'worker.js'))) }),
    },
  });
  const file = join('dist/pages', `${name}.html`);
  writeFileSync(file, page);
  process.stdout.write(`${file}: ${(page.length / 1e6).toFixed(2)} MB\n`);
}

mkdirSync('dist/pages', { recursive: true });
for (const page of PAGES) await buildPage(page);
