/** pmtx on an emulated changer: every command as on the command line. */
import { join } from 'node:path';
import test from 'ava';
import { InProcess } from '../in_process.ts';
import type { Outcome } from '../run.ts';

const box = new InProcess();
const library = join(box.root, 'library');
const device = join(library, 'changer');

const pmtx = (words: readonly string[], env: Record<string, string> = { CHANGER: device }): Promise<Outcome> =>
  box.tool('pmtx', words, env);

async function ok(t: { is(a: unknown, b: unknown, message?: string): void }, line: string): Promise<string> {
  const { code, stdout, stderr } = await pmtx(line.split(' '));
  t.is(code, 0, `${line}: ${stderr}`);
  t.is(stderr.split('\n')[0], `using device ${device}`);
  return stdout;
}

test.before(async () => {
  const barcodes = ['--barcode', 'TAPE01', '--barcode', 'TAPE02'];
  const words = ['--drives', '2', '--slots', '3', '--import-export', '1', ...barcodes, '--configure', 'lib'];
  await box.ok('emulator', 'create', library, ...words);
});
test.after.always(() => box.remove());

test.serial('status: one line per element, the raw view', async (t) => {
  await box.ok('changer', 'update', 'lib', '--export-slots', '1');
  const lines = (await ok(t, 'status')).trimEnd().split('\n');
  t.is(lines[0], 'Transport Element (Griper)   0: Empty');
  t.regex(lines[1] ?? '', /^Data Transfer Element \(Drive\) {3}0: Empty, Serial: \S+$/);
  t.deepEqual(lines.slice(3), [
    '  Storage Element   1: VolumeTag("TAPE01")',
    '  Storage Element   2: VolumeTag("TAPE02")',
    '  Storage Element   3: Empty',
    '  Import/Export   4: Empty',
  ]);
});

test.serial('load, unload, transfer', async (t) => {
  t.is(await ok(t, 'load 2 --drivenum 1'), '');
  t.regex(await ok(t, 'status'), /^Data Transfer Element \(Drive\) {3}1: VolumeTag\("TAPE02"\), Source: 2, Serial: /m);
  const { Ok } = JSON.parse(await ok(t, 'status --output-format json')) as { Ok: Record<string, unknown[]> };
  t.deepEqual(Object.keys(Ok), ['drives', 'slots', 'transports']);
  t.like(Ok.drives?.[1], { loaded_slot: 2, status: { VolumeTag: 'TAPE02' } });
  t.like(Ok.drives?.[0], { loaded_slot: null, status: 'Empty' });
  t.is(await ok(t, 'unload --drivenum 1 --slot 4'), '');
  t.is(await ok(t, 'transfer 4 3'), '');
  await ok(t, 'load 1');
  await ok(t, 'unload');
  const slots = (await ok(t, 'status')).trimEnd().split('\n').slice(3);
  t.deepEqual(
    slots.map((line) => line.replace(/^.*: /, '')),
    ['VolumeTag("TAPE01")', 'Empty', 'VolumeTag("TAPE02")', 'Empty'],
  );
});

test.serial('what cannot be done says why', async (t) => {
  for (const [line, message] of [
    ['unload', /no tape in drive number 0/],
    ['unload --drivenum 7', /no drive number 7/],
    ['load 9', /slot 9/],
    ['load 2', /slot 2/],
    ['transfer 1 3', /slot 3/],
    ['load 0', /parameter 'slot' must be at least 1/],
  ] as const) {
    const { code, stdout, stderr } = await pmtx(line.split(' '));
    t.is(code, 255, line);
    t.is(stdout, '');
    t.regex(stderr, message, line);
  }
});

test('inquiry and inventory', async (t) => {
  t.regex(await ok(t, 'inquiry'), /^Type: .*\(8\)\nVendor: .*\nProduct: .*\nRevision: .*\n$/);
  const { Ok } = JSON.parse(await ok(t, 'inquiry --output-format json')) as { Ok: Record<string, unknown> };
  t.deepEqual(Object.keys(Ok), ['peripheral_type', 'peripheral_type_text', 'vendor', 'product', 'revision']);
  t.is(await ok(t, 'inventory'), '');
});

test('the device: --changer, --device, the changer of PROXMOX_TAPE_DRIVE, CHANGER; no default', async (t) => {
  const using = async (words: string[], env: Record<string, string>) =>
    (await pmtx(['inquiry', ...words], env)).stderr.split('\n')[0] ?? '';
  t.is(await using(['--changer', 'lib'], { CHANGER: '/nowhere' }), `using device ${device}`);
  t.is(await using(['--device', device], {}), `using device ${device}`);
  t.is(await using([], { PROXMOX_TAPE_DRIVE: 'lib-drive0', CHANGER: '/nowhere' }), `using device ${device}`);
  t.regex(await using([], {}), /no changer was named/);
  t.regex(await using(['--changer', 'nope'], {}), /'nope' does not exist/);
  t.regex(await using(['--device', '/nowhere'], {}), /\/nowhere/);
});
