/** The scenarios of behaviour.md 9.10 to 9.14 that are about labels, restores, ends of tapes, jobs and configuration: through the commands. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readVectors } from '../vectors.ts';
import { type Scenario, ScenarioRun } from './scenario_runner.ts';

const rows = ['9.10-labels', '9.11-restore', '9.12-end-of-media', '9.13-jobs', '9.14-configuration'].flatMap((file) =>
  readVectors<Scenario>(`scenarios/${file}.json`),
);

for (const row of rows) {
  // What changes the drive for everybody has to be alone.
  (row.catalogs ? test.serial : test)(`${row.id} ${row.title}`, async (t) => {
    const run = await ScenarioRun.make(t, row);
    await run.all(row.steps);
  });
}

const range = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, index) => `S-${String(first + index).padStart(2, '0')}`);

const tests = join(import.meta.dirname, '../../../tests');

/** Rows of data files, and tests that say so at the beginning of their title. */
function scenarioIds(): ReadonlySet<string> {
  const folder = join(tests, 'vectors/scenarios');
  const inData = readdirSync(folder).flatMap((name) => {
    const { cases } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { cases: { id?: string }[] };
    return cases.flatMap(({ id }) => id ?? []);
  });
  const sources = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
  const inTitles = sources.flatMap((name) =>
    [...readFileSync(join(tests, name), 'utf8').matchAll(/^test\('(S-\d+) /gm)].map(([, id = '']) => id),
  );
  return new Set([...inData, ...inTitles]);
}

test('every scenario of pools, tapes, jobs and restores is there', (t) => {
  const ids = scenarioIds();
  // S-144 and S-167 to S-175 are about keys.
  const wanted = [...range(1, 143), ...range(145, 166), ...range(176, 207)];
  t.deepEqual(
    wanted.filter((id) => !ids.has(id)),
    [],
  );
});
