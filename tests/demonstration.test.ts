/** The README's first command does what it says, on a small folder and in memory. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { memoryDirectory } from './temporary_installation.ts';

const checkout = resolve(import.meta.dirname, '..', '..');
const run = promisify(execFile);

interface Demo {
  figures: { files: number; filesEqual: number; verifyErrors: number; tapes: string[]; backups: { chunks: number }[] };
  files: { sha256AtSource: string; sha256AfterRestore: string; size: number; tapes: string[] }[];
}

test('the demonstration brings every file back and says from which tapes', async (t) => {
  t.timeout(300_000);
  const work = join(memoryDirectory(t), 'work');
  const program = join(checkout, 'dist/scripts/demonstration/main.js');
  const { stdout } = await run(process.execPath, [program, join(checkout, 'ts'), '--work', work], {
    maxBuffer: 1 << 26,
  });
  const { figures, files } = JSON.parse(readFileSync(join(work, 'demo.json'), 'utf8')) as Demo;
  t.true(files.length > 100);
  t.is(figures.files, files.length);
  t.is(figures.filesEqual, files.length);
  t.is(figures.verifyErrors, 0);
  t.true(files.every((file) => file.sha256AtSource === file.sha256AfterRestore));
  t.true(files.every((file) => file.size === 0 || file.tapes.length > 0));
  t.true(figures.tapes.length >= 3 && figures.tapes.length <= 20, `${figures.tapes.length} tapes`);
  const [first, second] = figures.backups;
  t.true(
    (second?.chunks ?? 0) > 0 && (second?.chunks ?? 0) < (first?.chunks ?? 0) / 4,
    'only new chunks the second time',
  );
  t.false(existsSync(join(work, 'demo')), 'the datastore was moved away');
  t.regex(stdout, /Error: .* is not a datastore/);
  t.regex(stdout, /export PROXMOX_TAPE_ROOT=/);
});

test('a folder that does not exist, or a disk that is too small, is refused before anything is made', async (t) => {
  const program = join(checkout, 'dist/scripts/demonstration/main.js');
  const failed = await t.throwsAsync(run(process.execPath, [program, '/nonexistent']));
  t.regex((failed as unknown as { stderr: string }).stderr, /Error: \/nonexistent is not a folder/);
});
