/** pmtx and `changer`, compared with mtx, sg_inq and the kernel. */
import assert from 'node:assert/strict';
import { type Devices, ferrite, ferriteJson, foreign, found, kernelText, node } from './devices.ts';
import type { Check } from './main.ts';

type State = 'Empty' | 'Full' | { VolumeTag: string };

interface Status {
  drives: { status: State; loaded_slot: number | null; drive_serial_number: string | null }[];
  slots: { status: State; import_export: boolean }[];
}

const tagOf = (state: State): string => (typeof state === 'string' ? '' : state.VolumeTag);

/** What stands where: `D0 TAG SLOT`, `S1 TAG`, `M25 TAG`, one line per element. */
type Picture = string[];

async function ferritePicture(changer: string): Promise<Picture> {
  const { drives, slots } = await ferriteJson<Status>('pmtx', 'status', '--device', changer);
  return [
    ...drives.map(({ status, loaded_slot: slot }, index) => `D${index} ${tagOf(status)} ${slot ?? ''}`.trim()),
    ...slots.map(({ status, import_export: mail }, index) => `${mail ? 'M' : 'S'}${index + 1} ${tagOf(status)}`.trim()),
  ];
}

/** Of lines like `Data Transfer Element 0:Full (Storage Element 1 Loaded):VolumeTag = FER001L8`. */
function mtxPicture(changer: string): Picture {
  const lines = foreign('mtx', '-f', node(changer), 'status').split('\n');
  const tag = (line: string): string => /VolumeTag\s*=\s*(\S+)/.exec(line)?.[1] ?? '';
  return lines.flatMap((line) => {
    const drive = /^Data Transfer Element (\d+):/.exec(line);
    const slot = /^\s*Storage Element (\d+)( IMPORT\/EXPORT)?:/.exec(line);
    if (drive) return [`D${drive[1]} ${tag(line)} ${/Storage Element (\d+) Loaded/.exec(line)?.[1] ?? ''}`.trim()];
    if (slot) return [`${slot[2] ? 'M' : 'S'}${slot[1]} ${tag(line)}`.trim()];
    return [];
  });
}

async function assertSamePicture(changer: string): Promise<Picture> {
  const picture = await ferritePicture(changer);
  assert.deepEqual(picture, mtxPicture(changer));
  return picture;
}

async function scanned({ changer, drives }: Devices): Promise<void> {
  assert.equal(drives.length, 2);
  for (const device of [changer, ...drives]) {
    const inquiry = foreign('sg_inq', device.path);
    assert.match(device.path, /^\/dev\/tape\/by-id\//);
    assert.equal(device.vendor, found(inquiry, /Vendor identification: (.*)/));
    assert.equal(device.model.replaceAll('_', ' '), found(inquiry, /Product identification: (.*)/));
    assert.equal(device.serial, found(inquiry, /Unit serial number: (.*)/));
    assert.equal(device.model.replaceAll('_', ' '), kernelText(device.path, 'model'));
  }
}

async function inquiry({ changer }: Devices): Promise<void> {
  const ours = await ferriteJson<Record<string, string | number>>('pmtx', 'inquiry', '--device', changer.path);
  const theirs = foreign('sg_inq', changer.path);
  assert.equal(ours.vendor, found(theirs, /Vendor identification: (.*)/));
  assert.equal(ours.product, found(theirs, /Product identification: (.*)/));
  assert.equal(ours.revision, found(theirs, /Product revision level: (.*)/));
  assert.equal(String(ours.peripheral_type), found(theirs, /PDT=(\d+)/));
}

async function elements({ changer, drives }: Devices): Promise<void> {
  const picture = await assertSamePicture(changer.path);
  assert.ok(picture.filter((line) => /^S\d+ \w/.test(line)).length >= 3, picture.join('\n'));
  assert.ok(picture.some((line) => line.startsWith('M')));
  const { drives: elements } = await ferriteJson<Status>('pmtx', 'status', '--device', changer.path);
  const serials = elements.map((element) => element.drive_serial_number);
  assert.deepEqual([...serials].sort(), drives.map(({ serial }) => serial).sort());
}

async function movements({ changer: { path } }: Devices): Promise<void> {
  const before = await assertSamePicture(path);
  foreign('mtx', '-f', node(path), 'load', '1', '0');
  const loaded = await assertSamePicture(path);
  assert.match(loaded[0] ?? '', /^D0 \w+ 1$/);
  await ferrite('pmtx', 'load', '2', '--drivenum', '1', '--device', path);
  assert.match((await assertSamePicture(path))[1] ?? '', /^D1 \w+ 2$/);
  foreign('mtx', '-f', node(path), 'unload', '2', '1');
  await ferrite('pmtx', 'unload', '--device', path);
  assert.deepEqual(await assertSamePicture(path), before);
  const mail = before.findIndex((line) => line.startsWith('M')) - 2 + 1;
  await ferrite('pmtx', 'transfer', '1', String(mail), '--device', path);
  await assertSamePicture(path);
  foreign('mtx', '-f', node(path), 'transfer', String(mail), '1');
  foreign('mtx', '-f', node(path), 'inventory');
  await ferrite('pmtx', 'inventory', '--device', path);
  assert.deepEqual(await assertSamePicture(path), before);
}

export const describeLibrary: readonly Check[] = [
  ['drive scan and changer scan: the same devices as sg_inq and the kernel', scanned],
  ['pmtx inquiry: the same as sg_inq', inquiry],
  ['pmtx status: the same elements as mtx', elements],
  ['pmtx and mtx see each other’s movements', movements],
];
