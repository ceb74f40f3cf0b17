/** pmt, compared with mt, sg_logs, sg_read_attr, sg_read_block_limits and stenc. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TapeDrive } from '../../ts/native.ts';
import { type Devices, ferrite, ferriteJson, foreign, found, tapeNode } from './devices.ts';
import type { Check } from './main.ts';

interface Status {
  blocksize: number;
  compression: boolean;
  'file-number'?: number;
  'block-number'?: number;
  density: string;
  'write-protect'?: boolean;
  'bytes-written'?: number;
  'medium-passes'?: number;
  'volume-mounts'?: number;
}

/** The first drive, by both its nodes. */
interface Drive {
  generic: string;
  tape: string;
}

function firstDrive({ drives }: Devices): Drive {
  const path = drives[0]?.path;
  if (!path) throw new Error('no drive');
  return { generic: path, tape: tapeNode(path) };
}

const status = ({ generic }: Drive): Promise<Status> => ferriteJson<Status>('pmt', 'status', '--device', generic);

/** Decimal numbers of `mt status`. */
function mt({ tape }: Drive): { file: number; block: number; blockBytes: number; density: number; flags: string[] } {
  const text = foreign('mt-st', '-f', tape, 'status');
  return {
    file: Number(found(text, /File number=(-?\d+)/)),
    block: Number(found(text, /block number=(-?\d+)/)),
    blockBytes: Number(found(text, /Tape block size (\d+) bytes/)),
    density: Number(found(text, /Density code (0x[0-9a-f]+)/)),
    flags: found(text, /General status bits on \(.*\):\n(.*)/).split(/\s+/),
  };
}

async function load(devices: Devices): Promise<void> {
  await ferrite('pmtx', 'load', '1', '--device', devices.changer.path);
  const drive = firstDrive(devices);
  // The driver believes only its own movements.
  foreign('mt-st', '-f', drive.tape, 'rewind');
  const { flags } = mt(drive);
  assert.ok(flags.includes('ONLINE') && flags.includes('BOT'), flags.join(' '));
  // The code of LTO-8 (scsi.md 2.16).
  assert.equal((await status(drive)).density, 'LTO8');
  assert.equal(mt(drive).density, 0x5e);
}

async function positions(devices: Devices): Promise<void> {
  const drive = firstDrive(devices);
  // Three files of 2 blocks, by the kernel's driver.
  for (let file = 0; file < 3; file += 1) {
    foreign('dd', 'if=/dev/urandom', `of=${drive.tape}`, 'bs=64k', 'count=2', 'iflag=fullblock');
  }
  await ferrite('pmt', 'rewind', '--device', drive.generic);
  foreign('mt-st', '-f', drive.tape, 'rewind');
  assert.equal((await status(drive))['file-number'], 0);
  foreign('mt-st', '-f', drive.tape, 'fsf', '2');
  assert.equal(mt(drive).file, 2);
  assert.equal((await status(drive))['file-number'], 2);
  const theirs = Number(found(foreign('mt-st', '-f', drive.tape, 'tell'), /block (\d+)/));
  assert.equal((await status(drive))['block-number'], theirs);
  await ferrite('pmt', 'bsf', '1', '--device', drive.generic);
  assert.equal(Number(found(foreign('mt-st', '-f', drive.tape, 'tell'), /block (\d+)/)), theirs - 1);
  await ferrite('pmt', 'asf', '1', '--device', drive.generic);
  assert.equal((await status(drive))['file-number'], 1);
  assert.equal(Number(found(foreign('mt-st', '-f', drive.tape, 'tell'), /block (\d+)/)), 3);
  await ferrite('pmt', 'eod', '--device', drive.generic);
  assert.equal((await status(drive))['file-number'], 3);
  foreign('mt-st', '-f', drive.tape, 'rewind');
}

async function settings(devices: Devices): Promise<void> {
  const drive = firstDrive(devices);
  for (const bytes of [512, 0]) {
    await ferrite('pmt', 'options', '--blocksize', String(bytes), '--device', drive.generic);
    assert.equal((await status(drive)).blocksize, bytes);
    const descriptor = found(foreign('sg_modes', '--page=0x0f', drive.generic), /descriptors:.*\n.*\n 00 +(.*)/);
    assert.equal(Number.parseInt(descriptor.split(' ').slice(5, 8).join(''), 16), bytes);
  }
  await ferrite('pmt', 'setblk', '1024', '--device', drive.tape);
  assert.equal(mt(drive).blockBytes, 1024);
  foreign('mt-st', '-f', drive.tape, 'setblk', '0');
  assert.equal((await status(drive)).blocksize, 0);
  for (const on of ['off', 'on']) {
    foreign('mt-st', '-f', drive.tape, 'compression', on === 'on' ? '1' : '0');
    assert.equal((await status(drive)).compression, on === 'on');
  }
}

/** Options of the driver: pmt sets what mt shows. */
async function driverOptions(devices: Devices): Promise<void> {
  const drive = firstDrive(devices);
  const shown = (): string => foreign('mt-st', '-f', drive.tape, 'stshowoptions');
  await ferrite('pmt', 'stoptions', '--defaults', '--device', drive.tape);
  for (const name of ['buffer-writes', 'async-writes', 'read-ahead', 'can-bsr'])
    assert.match(shown(), new RegExp(name));
  await ferrite('pmt', 'stsetoptions', 'scsi2logical', 'sili', '--device', drive.tape);
  assert.match(shown(), /scsi2logical/);
  assert.match(shown(), /sili/);
  await ferrite('pmt', 'stclearoptions', 'sili', '--device', drive.tape);
  assert.doesNotMatch(shown(), /sili/);
}

async function alerts(devices: Devices): Promise<void> {
  const { generic } = firstDrive(devices);
  const flags = await ferriteJson<unknown>('pmt', 'tape-alert-flags', '--device', generic);
  const set = foreign('sg_logs', '--page=0x2e', generic)
    .split('\n')
    .filter((line) => /: 1$/.test(line));
  assert.deepEqual(set, []);
  assert.equal(flags, '(empty)');
}

async function volumeStatistics(devices: Devices): Promise<void> {
  const { generic } = firstDrive(devices);
  const ours = await ferriteJson<Record<string, number | string | boolean>>(
    'pmt',
    'volume-statistics',
    '--device',
    generic,
  );
  const theirs = foreign('sg_logs', '--page=0x17', generic);
  // Capacities are in MB on the page.
  for (const [name, pattern, unit] of [
    ['volume-mounts', /(?:Thread count|Volume mounts?)[^:]*: *(\d+)/i, 1],
    ['beginning-of-medium-passes', /Beginning of medium passes: *(\d+)/i, 1],
    ['total-native-capacity', /(?:Total native capacity|Native capacity of volume)[^:]*: *(\d+)/i, 1e6],
  ] as const) {
    assert.equal(Number(ours[name]), Number(found(theirs, pattern)) * unit, name);
  }
}

async function cartridgeMemory(devices: Devices): Promise<void> {
  const { generic } = firstDrive(devices);
  const ours = await ferriteJson<{ id: number; name: string; value: string }[]>(
    'pmt',
    'cartridge-memory',
    '--device',
    generic,
  );
  const theirs = foreign('sg_read_attr', '-q', generic);
  const value = (name: string): string => ours.find((attribute) => attribute.name === name)?.value ?? `no ${name}`;
  for (const [name, pattern] of [
    ['Load Count', /Load count: *(\d+)/i],
    ['Medium Manufacturer', /Medium manufacturer: *(.*)/i],
    ['Medium Serial Number', /Medium serial number: *(.*)/i],
  ] as const) {
    assert.equal(value(name), found(theirs, pattern), name);
  }
}

/** What the drive says of itself. Opened for work, it forgets a key that somebody left in it. */
async function encryptionMode(path: string, passive: boolean): Promise<string> {
  const drive = await TapeDrive.open({ kind: 'lto', name: 'drive', path, passive });
  try {
    return await drive.encryptionMode();
  } finally {
    await drive.close();
  }
}

/** A key that another program sets: the drive tells both that it encrypts. */
async function encryption(devices: Devices): Promise<void> {
  const { tape, generic } = firstDrive(devices);
  const state = (): string => found(foreign('stenc', '-f', tape), /Drive Encryption: *(\w+)/);
  const keyFile = join(process.env.FERRITE_GUEST_WORK ?? '/mnt/work', 'stenc.key');
  writeFileSync(keyFile, `${randomBytes(32).toString('hex')}\nguest\n`);
  const setKey = (): string => foreign('stenc', '-f', tape, '-e', 'mixed', '-k', keyFile, '-a', '1');
  assert.equal(state(), 'off');
  assert.equal(await encryptionMode(generic, true), 'off');
  setKey();
  assert.equal(state(), 'mixed');
  assert.equal(await encryptionMode(generic, true), 'mixed');
  foreign('mt-st', '-f', tape, 'rewind');
  foreign('dd', 'if=/dev/urandom', `of=${tape}`, 'bs=64k', 'count=2', 'iflag=fullblock');
  foreign('mt-st', '-f', tape, 'rewind');
  const readBack = (): string => foreign('dd', `if=${tape}`, 'of=/dev/null', 'bs=64k', 'count=2');
  readBack();
  assert.equal(await encryptionMode(generic, false), 'off');
  assert.equal(state(), 'off');
  foreign('mt-st', '-f', tape, 'rewind');
  assert.throws(readBack, /Input\/output error|Permission denied|not permitted/);
  setKey();
  foreign('stenc', '-f', tape, '-e', 'off', '-a', '1');
  assert.equal(await encryptionMode(generic, true), 'off');
}

async function ejected(devices: Devices): Promise<void> {
  const drive = firstDrive(devices);
  await ferrite('pmt', 'eject', '--device', drive.generic);
  const { flags } = mt(drive);
  assert.ok(flags.includes('DR_OPEN') && !flags.includes('ONLINE'), flags.join(' '));
  await ferrite('pmt', 'load', '--device', drive.generic);
  assert.ok(mt(drive).flags.includes('ONLINE'));
  await ferrite('pmtx', 'unload', '--device', devices.changer.path);
}

export const describeDrive: readonly Check[] = [
  ['a tape that pmtx loaded is online for mt', load],
  ['pmt and mt agree where the tape stands', positions],
  ['pmt and mt agree on block length and compression', settings],
  ['pmt sets the driver’s options, mt shows them', driverOptions],
  ['pmt tape-alert-flags: the same as sg_logs', alerts],
  ['pmt volume-statistics: the same as sg_logs', volumeStatistics],
  ['pmt cartridge-memory: the same as sg_read_attr', cartridgeMemory],
  ['stenc’s key is known to Ferrite, forgotten when it takes the drive, and needed to read', encryption],
  ['pmt eject and load, as mt sees them', ejected],
];
