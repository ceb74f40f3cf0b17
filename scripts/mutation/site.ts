/** A copy of the compiled checkout with instrumented modules, and tests that load the stand-in instead of ava. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findMutants } from './find_mutants.ts';
import { instrument, type NumberedMutant } from './instrument.ts';

export interface PlacedMutant extends NumberedMutant {
  /** In ts/. */
  readonly file: string;
  /** 1-based, of the source. */
  readonly line: number;
  readonly original: string;
}

export interface MutationSite {
  readonly mutants: readonly PlacedMutant[];
  /** Of test files. */
  readonly tests: readonly string[];
  readonly standIn: string;
}

/** Below the checkout, so that packages and bindings are found. */
const FOLDER = 'artefacts/mutation-site';

export function makeSite(checkout: string, rooms: readonly string[], fileFilter: string): MutationSite {
  const root = join(checkout, FOLDER);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  for (const folder of ['ts', 'tests', 'scripts'])
    cpSync(join(checkout, 'dist', folder), join(root, folder), { recursive: true });
  // Vectors are looked for beside the compiled tests' grandparent.
  rmSync(join(checkout, 'artefacts', 'tests'), { force: true });
  symlinkSync(join(checkout, 'tests'), join(checkout, 'artefacts', 'tests'), 'dir');
  const standIn = join(root, 'scripts/mutation/test_stand_in.js');
  const modules = rooms.flatMap((room) => files(join(root, 'ts', room), '.js'));
  const placed: PlacedMutant[] = [];
  for (const path of modules) {
    if (relative(root, path).includes(fileFilter)) placed.push(...mutate(path, root, placed.length));
  }
  for (const path of files(join(root, 'tests'), '.js')) {
    const text = readFileSync(path, 'utf8');
    const other = text.replace(/from 'ava'/, `from '${pathToFileURL(standIn).href}'`);
    if (other !== text) writeFileSync(path, other);
  }
  const tests = rooms.flatMap((room) => files(join(root, 'tests', room), '.test.js'));
  return { mutants: placed, tests, standIn };
}

export function removeSite(checkout: string): void {
  rmSync(join(checkout, FOLDER), { recursive: true, force: true });
  rmSync(join(checkout, 'artefacts', 'tests'), { force: true });
}

const files = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name));

function mutate(path: string, root: string, firstId: number): PlacedMutant[] {
  const text = readFileSync(path, 'utf8');
  const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
  const mutants = findMutants(text).map((mutant, index) => {
    const before = text.slice(0, mutant.start).split('\n');
    const place = map.findEntry(before.length - 1, before.at(-1)?.length ?? 0) as { originalLine?: number };
    return {
      ...mutant,
      id: firstId + index,
      file: relative(root, path).replace(/\.js$/, '.ts'),
      line: (place.originalLine ?? -1) + 1,
      original: text.slice(mutant.start, mutant.end).replace(/\s+/g, ' ').slice(0, 90),
    };
  });
  writeFileSync(path, instrument(text, mutants));
  return mutants;
}
