/** The decision table of behaviour.md 9.9 as real commands on an emulated library. */
import test, { type ExecutionContext } from 'ava';
import { program } from '../../ts/cli/proxmox-tape/program.ts';
import { type Outcome, runIn } from '../cli/run.ts';
import { Emulated } from './emulated.ts';
import { type MoveScenario, moveScenarios, parseContent, parseMove, SLOTS } from './library_state.ts';

/** Brings a library into the state of a row. */
async function arrange(t: ExecutionContext, row: MoveScenario): Promise<Emulated> {
  const { exportSlots } = row;
  const emulated = await Emulated.make(t, {
    drives: Math.max(row.drives.length, 1),
    slots: SLOTS - 1,
    importExport: 1,
    ...(exportSlots !== undefined && { exportSlots }),
  });
  for (const [number, text] of row.drives.entries()) {
    const { labelText, loadedSlot } = parseContent(text);
    if (labelText === undefined) continue;
    const barcode = labelText === '' ? 'UNREAD' : labelText;
    if (loadedSlot === undefined) await emulated.insert({ kind: 'drive', number }, barcode);
    else {
      await emulated.insert(loadedSlot, barcode);
      if (labelText === '') await emulated.library.relabel({ kind: 'slot', number: loadedSlot }, '');
      await emulated.robot((changer) => changer.load(loadedSlot, number));
    }
  }
  for (const [index, text] of row.slots.entries()) if (text !== '') await fill(emulated, index + 1, text);
  return emulated;
}

/** A second cartridge with the same bar code is one that the robot reads so. */
async function fill(emulated: Emulated, slot: number, barcode: string): Promise<void> {
  const isThere = (await emulated.library.cartridges()).some((cartridge) => cartridge.barcode === barcode);
  await emulated.insert(slot, isThere ? `${barcode}-TWIN` : barcode);
  if (isThere) await emulated.library.relabel({ kind: 'slot', number: slot }, barcode);
}

function commandOf({ request }: MoveScenario): string[] {
  if ('load' in request) return ['load-media', request.load];
  if ('export' in request) return ['export-media', request.export];
  if ('clean' in request) return ['clean'];
  return ['unload', ...(request.unload === null ? [] : ['--target-slot', String(request.unload)])];
}

/** The places of a row after its moves. */
function placesAfter(row: MoveScenario): string[] {
  const places = new Map<string, string>();
  for (const [number, text] of row.drives.entries()) places.set(`drive ${number}`, text);
  for (const [index, text] of row.slots.entries()) places.set(`slot ${index + 1}`, text);
  for (const move of row.refused === undefined ? row.moves : []) {
    const [from = '', to = ''] = move.split(' -> ');
    const [label = ''] = (places.get(from) ?? '').split('<');
    const { from: source } = parseMove(move);
    places.set(to, to.startsWith('drive') && 'slot' in source ? `${label}<${source.slot}` : label);
    places.set(from, '');
  }
  return [...places].filter(([, text]) => text !== '').map(([place, text]) => `${place}: ${text}`);
}

const run = (emulated: Emulated, words: string[]): Promise<Outcome> =>
  runIn(program, words, { env: { PROXMOX_TAPE_ROOT: emulated.installation.root, TZ: 'UTC' } });

for (const row of moveScenarios()) {
  if (row.onlyDecided !== undefined) continue;
  test(`${row.id} ${commandOf(row).join(' ')}: ${row.title}`, async (t) => {
    const emulated = await arrange(t, row);
    const { code, stdout, stderr } = await run(emulated, [...commandOf(row), '--drive', 'drive0']);
    const isRefused = row.error !== undefined || row.refused !== undefined;
    t.is(code, isRefused ? 255 : 0, stdout + stderr);
    if (isRefused) t.true(stderr.includes(row.message ?? row.refused ?? '?'), stderr);
    t.deepEqual(await emulated.places(), placesAfter(row));
    if (row.result !== undefined) t.true(stderr.includes(`to slot ${row.result}`), stderr);
  });
}
