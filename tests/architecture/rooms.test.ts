/** The dependency rule of ARCHITECTURE.md: a room imports only from the rooms named here. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'ava';

const checkout = resolve(import.meta.dirname, '..', '..', '..');

const CRATES: Record<string, string[]> = {
  memory: [],
  formats: [],
  scsi: ['formats'],
  linux: ['formats', 'scsi'],
  emulator: ['memory', 'formats', 'scsi'],
  datastore: ['memory', 'formats'],
  tape: ['formats', 'scsi'],
  pipeline: ['memory', 'formats', 'scsi', 'datastore', 'tape'],
  qr: [],
  keys: ['formats', 'qr'],
  native: ['formats', 'scsi', 'linux', 'emulator', 'datastore', 'tape', 'pipeline', 'keys'],
  wasm: ['formats'],
  tcmu: ['scsi', 'linux', 'emulator'],
  iscsi: ['scsi'],
};

/** Modules directly below ts/ that every room may use. */
const GROUND = ['errors', 'log', 'native'];
const ROOMS: Record<string, string[]> = {
  time: [],
  labels: [],
  config: ['time'],
  media: ['config', 'time'],
  library: ['config', 'time', 'media'],
  keys: ['config', 'time', 'media'],
  catalog: ['config', 'time', 'media'],
  jobs: ['config', 'time', 'media', 'library', 'keys', 'catalog'],
  cli: ['config', 'time', 'media', 'library', 'keys', 'catalog', 'jobs', 'labels'],
  browser: ['time', 'catalog', 'labels'],
};

for (const [name, allowed] of Object.entries(CRATES)) {
  test(`crate ${name} depends only on ${allowed.join(', ') || 'no other crate'}`, (t) => {
    const manifest = readFileSync(join(checkout, 'crates', name, 'Cargo.toml'), 'utf8');
    const dependencies = manifest.split(/^\[dev-dependencies\]/m)[0] ?? '';
    const found = [...dependencies.matchAll(/^ferrite-(\w+)\.workspace/gm)].map((match) => match[1] ?? '');
    t.deepEqual(
      found.filter((crate) => !allowed.includes(crate)),
      [],
    );
  });
}

test('every crate has its place in the rule', (t) => {
  t.deepEqual(readdirSync(join(checkout, 'crates')).sort(), Object.keys(CRATES).sort());
});

/** None of a room that is planned and still empty. */
function sources(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The first path element below ts/: a room, or a module of the ground (its name without .ts). */
function room(file: string): string {
  return (relative(join(checkout, 'ts'), file).split('/')[0] ?? '').replace(/\.ts$/, '');
}

function importedRooms(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import\(|import)\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  return specifiers.map((specifier) => room(resolve(dirname(file), specifier)));
}

for (const [name, allowed] of Object.entries(ROOMS)) {
  test(`ts/${name} imports only from ${allowed.join(', ') || 'the ground'}`, (t) => {
    const reachable = new Set([name, ...GROUND, ...allowed]);
    const violations = sources(join(checkout, 'ts', name)).flatMap((file) =>
      importedRooms(file)
        .filter((imported) => !reachable.has(imported))
        .map((imported) => `${relative(checkout, file)} imports ts/${imported}`),
    );
    t.deepEqual(violations, []);
  });
}

test('the ground modules import no room', (t) => {
  const violations = GROUND.flatMap((name) =>
    importedRooms(join(checkout, 'ts', `${name}.ts`))
      .filter((imported) => !GROUND.includes(imported) && imported !== '..')
      .map((imported) => `ts/${name}.ts imports ts/${imported}`),
  );
  t.deepEqual(violations, []);
});

test('every folder of ts/ has its place in the rule', (t) => {
  const folders = readdirSync(join(checkout, 'ts'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  t.deepEqual(
    folders.map((entry) => entry.name).filter((name) => !(name in ROOMS)),
    [],
  );
});
