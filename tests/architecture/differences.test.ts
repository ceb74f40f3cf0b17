/** DIFFERENCES.md promises a test for each line: it has to be there. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';

const checkout = resolve(import.meta.dirname, '..', '..', '..');

test('every difference is one line that names its test', (t) => {
  const lines = readFileSync(join(checkout, 'DIFFERENCES.md'), 'utf8').split('\n');
  const differences = lines.filter((line) => line.startsWith('- '));
  t.true(differences.length > 30);
  for (const line of differences) {
    const path = /\(`((?:tests|crates)\/[^`]+)`\)$/.exec(line)?.[1];
    t.true(path !== undefined && existsSync(join(checkout, path)), line);
  }
  const others = lines.filter((line) => line !== '' && !line.startsWith('- ') && !line.startsWith('#'));
  t.is(others.length, 2, 'what is neither heading nor difference is the introduction');
});
