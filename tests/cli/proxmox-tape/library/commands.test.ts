/** A library from its configuration to its last tape in the mail slot, by hand: every command as on the command line. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { InProcess } from '../../in_process.ts';

interface Entry {
  'entry-kind': string;
  'entry-id': number;
  'label-text'?: string;
  'loaded-slot'?: number;
}

const box = new InProcess();
const { paths } = box;
const library = join(box.root, 'library');
const drive = ['--drive', 'drive0'];

test.after.always(() => box.remove());

async function status(...words: string[]): Promise<string[]> {
  const entries = await box.json<Entry[]>('changer', 'status', 'lib', ...words);
  return entries
    .filter((entry) => entry['label-text'] !== undefined)
    .map((entry) => `${entry['entry-kind']} ${entry['entry-id']}: ${entry['label-text']}`)
    .sort();
}

test.serial('an emulated library, and the commands that configure it', async (t) => {
  const barcodes = ['TAPE01', 'TAPE02', 'CLN001CU'].flatMap((label) => ['--barcode', label]);
  const size = ['--drives', '2', '--slots', '6', '--import-export', '2', '--generation', '8'];
  const text = await box.ok('emulator', 'create', library, ...size, '--tape-size', '500000000', ...barcodes);
  t.regex(text, new RegExp(`^  proxmox-tape changer create \\S+ --path ${library}/changer$`, 'm'));
  t.regex(
    text,
    new RegExp(`^  proxmox-tape drive create \\S+ --path ${library}/drive1 --changer \\S+ --changer-drivenum 1$`, 'm'),
  );
  t.is(await box.ok('changer', 'create', 'lib', '--path', `${library}/changer`), '');
  t.is(await box.ok('drive', 'create', 'drive0', '--path', `${library}/drive0`, '--changer', 'lib'), '');
  t.is(await box.ok('drive', 'create', 'drive1', '--path', `${library}/drive1`), '');
  t.is(await box.ok('drive', 'update', 'drive1', '--changer', 'lib', '--changer-drivenum', '1'), '');
  t.is(
    await readFile(paths.configFile('tape.cfg'), 'utf8'),
    `changer: lib\n\tpath ${library}/changer\n\nlto: drive0\n\tchanger lib\n\tpath ${library}/drive0\n\n` +
      `lto: drive1\n\tchanger lib\n\tchanger-drivenum 1\n\tpath ${library}/drive1\n`,
  );
});

test.serial('what is configured is listed with what the devices say of themselves', async (t) => {
  const [changer] = await box.json<Record<string, string>[]>('changer', 'list');
  t.like(changer, { name: 'lib', path: `${library}/changer` });
  t.truthy(changer?.vendor && changer.model && changer.serial);
  const drives = await box.json<Record<string, string>[]>('drive', 'list');
  t.is(drives.length, 2);
  t.not(drives[0]?.serial, drives[1]?.serial);
  t.truthy(drives[0]?.serial);
  t.regex(await box.ok('drive', 'list'), /^│ name +│ path +│ changer │ vendor +│ model +│ serial +│$/m);
  t.regex(await box.ok('changer', 'config', 'lib'), /^│ path │ .*changer +│$/m);
});

test.serial('paths that are no such device, or in use, are refused (S-201)', async (t) => {
  t.regex(await box.fails('drive', 'create', 'other', '--path', `${library}/changer`), /is a changer.*drive scan/);
  t.regex(await box.fails('changer', 'create', 'other', '--path', `${library}/drive0`), /is a tape drive/);
  t.regex(await box.fails('drive', 'create', 'other', '--path', `${library}/drive0`), /already used by drive 'drive0'/);
  t.regex(
    await box.fails('changer', 'create', 'other', '--path', `${library}/changer`),
    /already used by changer 'lib'/,
  );
  t.regex(await box.fails('drive', 'create', 'other', '--path', '/dev/null'), /\/dev\/null/);
  t.regex(await box.fails('drive', 'create', 'other', '--path', `${library}/nowhere`), /nowhere/);
  t.regex(await box.fails('changer', 'remove', 'lib'), /'drive0', 'drive1'/);
});

test.serial('changer status: asked, cached, with export slots of the configuration', async (t) => {
  t.regex(await box.fails('changer', 'status', 'nope'), /'nope' does not exist/);
  const shown = ['slot 1: TAPE01', 'slot 2: TAPE02', 'slot 3: CLN001CU'];
  t.deepEqual(await status(), shown);
  const table = await box.ok('changer', 'status', 'lib');
  t.regex(table, /^│ entry-kind +│ entry-id │ changer-id │ loaded-slot │$/m);
  t.regex(table, /^│ import-export │ +8 │ +│ +│$/m);
  t.true(existsSync(paths.changerStateFile('lib')));
  await box.ok('emulator', 'insert', library, 'TAPE03', '--slot', '7');
  t.deepEqual(await status(), shown, 'what was reported before');
  t.deepEqual(await status('--cache', 'no'), ['import-export 7: TAPE03', ...shown]);
  await box.ok('changer', 'update', 'lib', '--export-slots', '2');
  t.deepEqual(await status(), ['import-export 2: TAPE02', 'import-export 7: TAPE03', shown[0], shown[2]]);
  await box.ok('changer', 'update', 'lib', '--delete', 'export-slots');
  t.is(await box.ok('changer', 'transfer', 'lib', '--from', '7', '--to', '4'), '');
  t.deepEqual(await status(), [...shown, 'slot 4: TAPE03']);
  t.regex(await box.fails('changer', 'transfer', 'lib', '--from', '9', '--to', '4'), /no slot 9/);
  t.regex(await box.fails('changer', 'transfer', 'lib', '--from', '5', '--to', '6'), /slot 5/);
});

test.serial('an empty drive: status works, what needs a tape says so', async (t) => {
  t.regex(await box.ok('status', ...drive), /^│ blocksize +│ 0 +│$/m);
  t.regex(await box.fails('read-label', ...drive), /no tape/);
  t.regex(await box.fails('unload', ...drive), /no tape in drive number 0/);
  t.is(await box.ok('eject', ...drive), 'TASK OK\n');
});

test.serial('barcode-label labels all blank tapes; inventory lists them', async (t) => {
  await box.ok('pool', 'create', 'daily');
  t.regex(await box.fails('barcode-label', '--pool', 'nope', ...drive), /'nope' does not exist/);
  const text = await box.ok('barcode-label', '--pool', 'daily', ...drive);
  for (const label of ['TAPE01', 'TAPE02', 'TAPE03'])
    t.regex(text, new RegExp(`label tape '${label}' for pool 'daily'`));
  t.notRegex(text, /CLN001CU/);
  t.regex(await box.ok('barcode-label', ...drive), /already contains label 'TAPE01'/);
  const tapes = await box.json<{ 'label-text': string; uuid: string | null }[]>('inventory', ...drive);
  t.deepEqual(
    tapes.map((tape) => `${tape['label-text']} ${tape.uuid !== null}`),
    ['TAPE01 true', 'TAPE02 true', 'TAPE03 true'],
  );
  const media = await box.json<{ location: string }[]>('media', 'list');
  t.deepEqual([...new Set(media.map(({ location }) => location))], ['online-lib']);
  const facts = await box.json<Record<string, unknown>>('read-label', ...drive);
  t.like(facts, { 'label-text': 'TAPE03', pool: 'daily' });
});

test.serial('facts about tape and drive', async (t) => {
  const memory = await box.json<{ id: number; name: string; value: string }[]>('cartridge-memory', ...drive);
  t.true(memory.length > 10);
  t.is(memory.find(({ id }) => id === 0x0803)?.value.trim(), 'TAPE03', 'label text in the cartridge memory');
  t.regex(await box.ok('cartridge-memory', ...drive), /^│ +id │ name +│ value +│$/m);
  const statistics = await box.json<Record<string, unknown>>('volume-statistics', ...drive);
  t.is(Object.keys(statistics).length, 26);
  t.is(statistics.worm, false);
  t.regex(await box.ok('volume-statistics', ...drive), /^│ write-protect +│ 0 +│$/m);
  const report = await box.json<Record<string, unknown>>('status', ...drive);
  t.like(report, { density: 'LTO8', blocksize: 0, 'write-protect': false });
  t.regex(await box.ok('scan', ...drive), /^rewinding tape\nfile number: 0\n/);
  t.is(await box.ok('rewind', ...drive), 'TASK OK\n');
});

test.serial('from slot to slot by way of the drive', async (t) => {
  await box.ok('unload', ...drive, '--target-slot', '6');
  t.true((await status()).includes('slot 6: TAPE03'));
  t.is(await box.ok('load-media-from-slot', '6', ...drive), '');
  t.like(await box.json('read-label', ...drive), { 'label-text': 'TAPE03' });
  t.regex(await box.fails('load-media', 'TAPE03', '--drive', 'drive1'), /'TAPE03' is in drive number 0/);
  await box.ok('load-media', 'TAPE01', ...drive);
  t.true((await status()).includes('drive 0: TAPE01'));
  t.true((await status()).includes('slot 6: TAPE03'), 'back to where it came from');
});

test.serial('a backup, a restore, and the set is exported at the end', async (t) => {
  await writeFile(join(box.root, 'image'), randomBytes(20_000_000));
  await box.ok('datastore', 'create', 'store1', join(box.root, 'store1'));
  await box.ok('datastore', 'create', 'target', join(box.root, 'target'));
  await box.ok('snapshot', 'import', 'store1', 'vm/100', `disk.img:${box.root}/image`);
  const text = await box.ok('backup', 'store1', 'daily', ...drive, '--eject-media');
  t.regex(text, /moving tape 'TAPE01' from drive 0 to slot 1\nTASK OK\n$/);
  const media = await box.json<Record<string, string>[]>('media', 'list', '--pool', 'daily');
  const set = media.find((tape) => tape['media-set-uuid'])?.['media-set-uuid'] ?? '';
  t.regex(await box.ok('restore', set, 'target', '--drive', 'drive1'), /TASK OK\n$/);
  const verified = await box.json<{ snapshots: number; errors: unknown[] }>('snapshot', 'verify', 'target');
  t.deepEqual([verified.snapshots, verified.errors.length], [1, 0]);
  await box.ok('unload', '--drive', 'drive1');
  t.regex(
    await box.ok('backup', 'store1', 'daily', ...drive, '--export-media-set'),
    /exported tape 'TAPE01' to import\/export slot 7/,
  );
  t.true((await status()).includes('import-export 7: TAPE01'));
  const after = await box.json<Record<string, string>[]>('media', 'list', '--pool', 'daily', '--update-status', '0');
  t.is(after.find((tape) => tape['label-text'] === 'TAPE01')?.location, 'offline');
  t.is(await box.ok('emulator', 'remove', library, '--slot', '7'), 'took out TAPE01\n');
  t.regex(await box.fails('export-media', 'TAPE01', ...drive), /neither in this drive nor in a normal slot/);
});

test.serial('clean: the cleaning cartridge comes, and goes back', async (t) => {
  const text = await box.ok('clean', ...drive);
  t.regex(text, /from slot 3 to drive 0\n.*from drive 0 to slot 3/);
  t.true((await status()).includes('slot 3: CLN001CU'));
});

test.serial('another machine: inventory and catalogs come back from the tapes', async (t) => {
  await box.ok('emulator', 'insert', library, 'TAPE01', '--slot', '1');
  await rm(paths.statusDir, { recursive: true });
  const text = await box.ok('inventory', ...drive, '--read-all-labels', '1', '--catalog', '1');
  t.regex(text, /inventorize media 'TAPE01'/);
  t.regex(text, /restored catalog of media/);
  const content = await box.json<unknown[]>('media', 'content');
  t.is(content.length, 1);
  const tapes = await box.json<{ uuid: string | null }[]>('inventory', ...drive);
  t.true(tapes.every(({ uuid }) => uuid !== null));
});

test.serial('the catalog knows the slots', async (t) => {
  const rows = await box.json<{ label_text: string; slot: number }[]>(
    'catalog',
    'query',
    'SELECT label_text, slot FROM media',
  );
  const slots = rows.map((row) => `slot ${row.slot}: ${row.label_text}`).sort();
  t.deepEqual(
    slots,
    (await status()).filter((line) => !line.includes('CLN')),
  );
});

test.serial('erase forgets a tape, in a library too', async (t) => {
  await box.ok('load-media', 'TAPE02', ...drive);
  t.regex(await box.ok('format', ...drive), /TASK OK\n$/);
  t.regex(await box.fails('read-label', ...drive), /blank/);
  const tapes = await box.json<{ 'label-text': string; uuid: string | null }[]>('inventory', ...drive);
  t.is(tapes.find((tape) => tape['label-text'] === 'TAPE02')?.uuid, null);
});
