/** Hand-edited files, damaged files, wrong tapes and wrong clocks, through the commands. */
import test from 'ava';
import { readVectors } from '../vectors.ts';
import { type Scenario, ScenarioRun } from './scenario_runner.ts';

for (const row of readVectors<Scenario>('scenarios/bad-input.json')) {
  test(row.title, async (t) => {
    const run = await ScenarioRun.make(t, row);
    await run.all(row.steps);
  });
}
