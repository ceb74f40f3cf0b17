/** Every command's work is a function of the package: what a command file calls below ts/cli is exported by ts/index.ts. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import * as index from '../../ts/index.ts';

const checkout = resolve(import.meta.dirname, '../../..');
const exported = new Set<unknown>(Object.values(index));

/** Checks a parameter before a password is asked for; nothing that a program would call. */
const CHECKS = 'ts/keys/key_store.js refuseKdfNone';

/**
 * The values that a command takes from other rooms to do its work, with the compiled modules they come from. Commands load
 * them when they run; what is imported at the top checks parameters.
 */
function imports(file: string): { names: string[]; module: string }[] {
  const text = readFileSync(file, 'utf8');
  const statements = text.matchAll(
    /\{([^}]+)\} = await import\('((?:\.\.\/)+(?:jobs|library|keys|labels|catalog|config)\/[^']+)\.ts'\)/g,
  );
  return [...statements].map(([, names = '', specifier = '']) => ({
    names: names.split(',').map((name) => name.trim().replace(/(?::| as ).*/, '')),
    module: resolve(dirname(file), `${specifier}.js`).replace('/ts/', '/dist/ts/'),
  }));
}

for (const tool of ['proxmox-tape', 'pmt', 'pmtx']) {
  test(`${tool}: what its commands do is exported`, async (t) => {
    const folder = join(checkout, 'ts/cli', tool);
    const missing = new Set<string>();
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.name.endsWith('.ts')) continue;
      for (const { names, module } of imports(join(entry.parentPath, entry.name))) {
        const values = (await import(pathToFileURL(module).href)) as Record<string, unknown>;
        for (const name of names) {
          if (typeof values[name] === 'function' && !exported.has(values[name])) {
            missing.add(`${module.split('/dist/')[1]} ${name}`);
          }
        }
      }
    }
    missing.delete(CHECKS);
    t.deepEqual([...missing].sort(), []);
  });
}
