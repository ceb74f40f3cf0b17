/** pmt on an emulated drive: every command as on the command line. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { InProcess } from '../in_process.ts';
import type { Outcome } from '../run.ts';

const box = new InProcess();
const library = join(box.root, 'library');
const device = join(library, 'drive0');

const pmt = (words: readonly string[], env: Record<string, string> = { TAPE: device }): Promise<Outcome> =>
  box.tool('pmt', words, env);

async function ok(t: { is(a: unknown, b: unknown, message?: string): void }, line: string): Promise<string> {
  const { code, stdout, stderr } = await pmt(line.split(' '));
  t.is(code, 0, `${line}: ${stderr}`);
  return stdout;
}

interface Position {
  'file-number': number;
  'block-number': number;
}

async function position(t: Parameters<typeof ok>[0]): Promise<string> {
  const { Ok } = JSON.parse(await ok(t, 'status --output-format json')) as { Ok: Position };
  return `${Ok['file-number']}/${Ok['block-number']}`;
}

test.before(async () => {
  const words = ['--drives', '1', '--slots', '4', '--import-export', '1', '--barcode', 'TAPE01', '--configure', 'lib'];
  await box.ok('emulator', 'create', library, ...words);
  await box.ok('load-media', 'TAPE01');
});
test.after.always(() => box.remove());

test.serial('motion: files, marks, the end of data', async (t) => {
  await ok(t, 'weof 3');
  t.is(await position(t), '3/3');
  for (const [line, expected] of [
    ['rewind', '0/0'],
    ['fsf 2', '2/2'],
    ['bsf 1', '1/1'],
    ['eod', '3/3'],
    ['asf 1', '1/1'],
    ['fsfm 1', '1/1'],
    ['eod', '3/3'],
    ['bsfm 1', '3/3'],
    ['asf 0', '0/0'],
  ] as const) {
    t.is(await ok(t, line), '', line);
    t.is(await position(t), expected, line);
  }
  const { code, stderr } = await pmt(['fsf', '9']);
  t.is(code, 255);
  t.regex(stderr, /^using device .*\nError: /);
  await ok(t, 'rewind');
  t.is((await pmt(['fsr', '1'])).code, 255, 'there are no records between the marks');
  t.is((await pmt(['bsr', '1'])).code, 255);
});

test.serial('facts, as text and as JSON', async (t) => {
  const text = await ok(t, 'status');
  t.like(JSON.parse(text), { density: 'LTO8', blocksize: 0 });
  t.regex(text, /^\{\n {2}"/);
  t.regex(await ok(t, 'cartridge-memory'), /^\d+\|[^|]+\|/m);
  const memory = JSON.parse(await ok(t, 'cartridge-memory --output-format json')) as { Ok: { id: number }[] };
  t.true(memory.Ok.length > 10);
  t.is(await ok(t, 'tape-alert-flags'), 'Tape Alert Flags: (empty)\n');
  t.like(JSON.parse(await ok(t, 'volume-statistics')), { worm: false });
});

test.serial('settings: of the drive, and of a driver that an emulated drive does not have', async (t) => {
  await ok(t, 'options --compression no');
  t.regex(await ok(t, 'status'), /"compression": false/);
  await ok(t, 'options --defaults');
  t.regex(await ok(t, 'status'), /"compression": true/);
  await ok(t, 'setblk 0');
  await ok(t, 'lock');
  await ok(t, 'unlock');
  const refused = await pmt(['stsetoptions', 'buffer-writes', 'CAN_BSR', '0x10']);
  t.is(refused.code, 255);
  t.regex(refused.stderr, /node/);
  t.regex((await pmt(['stoptions', 'colour'])).stderr, /'colour' is no option of the tape driver/);
  t.regex((await pmt(['stoptions', 'sili', '--defaults'])).stderr, /cannot be given together/);
});

test.serial('erase, format, eject, load; errors as answers', async (t) => {
  await ok(t, 'asf 1');
  await ok(t, 'erase');
  await ok(t, 'eod');
  t.is(await position(t), '1/1', 'erased from where the tape stood');
  await ok(t, 'format');
  await ok(t, 'eod');
  t.is(await position(t), '0/0');
  await ok(t, 'eject');
  const { code, stdout } = await pmt(['cartridge-memory', '--output-format', 'json']);
  t.is(code, 255, 'D22');
  t.regex((JSON.parse(stdout) as { Err: string }).Err, /no tape/);
  await ok(t, 'load');
  t.is(await position(t), '0/0');
});

test('the device: --drive, --device, PROXMOX_TAPE_DRIVE, TAPE, the only one', async (t) => {
  const using = async (words: string[], env: Record<string, string>) =>
    (await pmt(['tape-alert-flags', ...words], env)).stderr.split('\n')[0];
  t.is(await using([], {}), `using device ${device}`);
  t.is(await using(['--drive', 'lib-drive0'], { TAPE: '/nowhere' }), `using device ${device}`);
  t.is(await using(['--device', device], { PROXMOX_TAPE_DRIVE: 'nope' }), `using device ${device}`);
  t.regex((await using([], { PROXMOX_TAPE_DRIVE: 'nope', TAPE: device })) ?? '', /drive 'nope' does not exist/);
  const { code, stdout, stderr } = await pmt(['status', '--device', '/nowhere', '--output-format', 'json']);
  t.is(code, 255);
  t.is(stdout, '', 'a device that cannot be opened gives no answer');
  t.regex(stderr, /\/nowhere/);
});

test('scan lists what there is; a trace has every command', async (t) => {
  t.is((await pmt(['scan'])).code, 0);
  t.true(Array.isArray(JSON.parse((await pmt(['scan', '--output-format', 'json'])).stdout)));
  const trace = join(box.root, 'trace');
  await pmt(['tape-alert-flags', '--trace-scsi', trace]);
  t.regex(await readFile(trace, 'utf8'), /LOG SENSE/);
});
