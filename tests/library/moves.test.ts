/** The decision table of behaviour.md 9.9, row by row; tests/cli/proxmox-tape/library_moves.test.ts runs it as commands. */
import test from 'ava';
import { toFerriteError } from '../../ts/errors.ts';
import {
  elementEntries,
  type LibraryElements,
  markExportSlots,
  onlineLabels,
} from '../../ts/library/changers/elements.ts';
import {
  type CleaningPlan,
  type ExportPlan,
  type Plan,
  placeText,
  planCleaning,
  planExport,
  planLoad,
  planLoadFromSlot,
  planTransfer,
  planUnload,
} from '../../ts/library/changers/moves.ts';
import { elementsOf, type MoveScenario, moveScenarios } from './library_state.ts';

const DRIVE = 0;

function decide(elements: LibraryElements, request: MoveScenario['request']): Plan & ExportPlan & CleaningPlan {
  if ('load' in request) return planLoad(elements, DRIVE, request.load);
  if ('export' in request) return planExport(elements, DRIVE, request.export);
  if ('unload' in request) return planUnload(elements, DRIVE, request.unload ?? undefined);
  return planCleaning(elements, DRIVE);
}

/** A plan, or the error that kept one from being made, as the rows of the table have it. */
function outcomeOf(elements: LibraryElements, request: MoveScenario['request']) {
  try {
    const { moves, refusal, slot, cleaningSlot } = decide(elements, request);
    const planned = moves.map(({ from, to }) => `${placeText(from)} -> ${placeText(to)}`);
    const cleaning = cleaningSlot && [
      `slot ${cleaningSlot} -> drive ${DRIVE}`,
      `drive ${DRIVE} -> slot ${cleaningSlot}`,
    ];
    return { moves: [...planned, ...(cleaning || [])], error: refusal, result: slot };
  } catch (error) {
    return { moves: [], error: toFerriteError(error), result: undefined };
  }
}

for (const row of moveScenarios()) {
  test(`${row.id} ${Object.keys(row.request)}: ${row.title}`, (t) => {
    const { moves, error, result } = outcomeOf(elementsOf(row), row.request);
    t.deepEqual(moves, row.moves);
    t.is(error?.code, row.error);
    t.true(error === undefined || error.message.includes(row.message ?? '?'), error?.message);
    t.is(result, row.result);
  });
}

const LIBRARY: LibraryElements = {
  drives: [{ labelText: 'L1', loadedSlot: 2, address: 0x100 }, { address: 0x101 }],
  slots: [
    { labelText: 'L3', isImportExport: false, address: 0x400 },
    { isImportExport: false, address: 0x401 },
    { labelText: 'CLN001CU', isImportExport: false, address: 0x402 },
    { labelText: '', isImportExport: false, address: 0x403 },
    { labelText: 'L5', isImportExport: true, address: 0x10 },
  ],
  transports: [{ address: 1 }],
};

test('what jobs can reach: drives and normal slots, without cleaning cartridges and what has no bar code', (t) => {
  t.deepEqual(onlineLabels(LIBRARY), ['L1', 'L3']);
  t.deepEqual(onlineLabels(markExportSlots(LIBRARY, '1, 4')), ['L1']);
});

test('slots of the configuration count as import/export slots', (t) => {
  const marked = markExportSlots(LIBRARY, '1');
  t.deepEqual(
    marked.slots.map(({ isImportExport }) => isImportExport),
    [true, false, false, false, true],
  );
  t.is(markExportSlots(LIBRARY, undefined), LIBRARY);
});

test('S-111 entries: drives with their state, slots by kind', (t) => {
  const entries = elementEntries(LIBRARY, (number) => (number === 0 ? 'UPID:' : undefined));
  t.deepEqual(entries[0], {
    'entry-kind': 'drive',
    'entry-id': 0,
    'label-text': 'L1',
    'loaded-slot': 2,
    state: 'UPID:',
  });
  t.deepEqual(entries[1], { 'entry-kind': 'drive', 'entry-id': 1 });
  t.deepEqual(entries.at(-1), { 'entry-kind': 'import-export', 'entry-id': 5, 'label-text': 'L5' });
  t.deepEqual(entries.at(-2), { 'entry-kind': 'slot', 'entry-id': 4, 'label-text': '' });
});

test('moves by slot number are for the library to judge, but for numbers that it does not have', (t) => {
  t.deepEqual(planLoadFromSlot(LIBRARY, 1, 2).moves, [{ from: { slot: 2 }, to: { drive: 1 } }]);
  t.deepEqual(planTransfer(LIBRARY, 5, 1).moves, [{ from: { slot: 5 }, to: { slot: 1 } }]);
  for (const slot of [0, 6]) {
    t.throws(() => planLoadFromSlot(LIBRARY, 0, slot), { code: 'no-such-slot', message: /slots 1 to 5/ });
    t.throws(() => planTransfer(LIBRARY, 1, slot), { code: 'no-such-slot' });
  }
  t.throws(() => planLoadFromSlot(LIBRARY, 2, 1), {
    code: 'no-such-drive',
    message: /drives 0 to 1.*changer-drivenum/,
  });
});
