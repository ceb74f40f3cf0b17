/** A library of two drives does its work: labels, a backup over two tapes, their export, their return, and a restore by the other drive. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Devices, ferrite, ferriteJson, tapeNode } from './devices.ts';
import type { Check } from './main.ts';

/** More than one tape holds. */
const IMAGE_BYTES = 20 * 1024 * 1024;
const work = process.env.FERRITE_GUEST_WORK ?? '/mnt/work';
const image = join(work, 'source', 'disk.img');
const config = join(work, 'source', 'vm.conf');

interface Medium {
  'label-text': string;
  'media-set-uuid'?: string;
  location: string;
  status: string;
  'seq-nr'?: number;
}

const tape = (...words: string[]): Promise<string> => ferrite('proxmox-tape', ...words);
const media = (): Promise<Medium[]> => ferriteJson<Medium[]>('proxmox-tape', 'media', 'list');
const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Tapes that the other checks wrote to. */
async function blankTapes({ changer, drives }: Devices): Promise<void> {
  const drive = drives[0]?.path ?? '';
  for (const slot of ['1', '2']) {
    await ferrite('pmtx', 'load', slot, '--device', changer.path);
    await ferrite('pmt', 'rewind', '--device', drive);
    await ferrite('pmt', 'erase', '--fast', 'true', '--device', drive);
    await ferrite('pmtx', 'unload', '--device', changer.path);
  }
}

async function configure({ changer, drives }: Devices): Promise<void> {
  const [first, second] = drives;
  assert.ok(first && second);
  await tape('changer', 'create', 'robot', '--path', changer.path);
  await tape('drive', 'create', 'generic', '--path', first.path, '--changer', 'robot', '--changer-drivenum', '0');
  const node = tapeNode(second.path);
  const asDriver = ['--type', 'linux', '--path', node];
  await tape('drive', 'create', 'driver', ...asDriver, '--changer', 'robot', '--changer-drivenum', '1');
  const configured = await ferriteJson<{ name: string; type: string; serial?: string }[]>(
    'proxmox-tape',
    'drive',
    'list',
  );
  assert.deepEqual(configured.map(({ name, type, serial }) => [name, type, serial]).sort(), [
    ['driver', 'linux', second.serial],
    ['generic', 'lto', first.serial],
  ]);
  await tape('pool', 'create', 'daily');
  await tape('datastore', 'create', 'store', join(work, 'store'));
  await tape('datastore', 'create', 'restored', join(work, 'restored'));
  mkdirSync(join(work, 'source'), { recursive: true });
  writeFileSync(image, randomBytes(IMAGE_BYTES));
  writeFileSync(config, 'memory: 2048\n');
  await tape('snapshot', 'import', 'store', 'vm/100', `disk.img:${image}`, `vm.conf:${config}`);
}

async function label(): Promise<void> {
  await tape('barcode-label', '--drive', 'generic', '--pool', 'daily');
  const labelled = await media();
  assert.ok(labelled.length >= 2, JSON.stringify(labelled));
  assert.ok(
    labelled.every(({ location }) => location === 'online-robot'),
    JSON.stringify(labelled),
  );
}

async function backUp(): Promise<void> {
  await tape('backup', 'store', 'daily', '--drive', 'generic', '--export-media-set', 'true');
  const used = (await media()).filter((medium) => medium['media-set-uuid'] !== undefined);
  assert.equal(used.length, 2, JSON.stringify(used));
  const { slots } = await ferriteJson<{ slots: { import_export: boolean; status: { VolumeTag?: string } }[] }>(
    'pmtx',
    'status',
    '--device',
    (await ferriteJson<{ path: string }>('proxmox-tape', 'changer', 'config', 'robot')).path,
  );
  const exported = slots.filter((slot) => slot.import_export).map(({ status }) => status.VolumeTag);
  for (const medium of used) assert.ok(exported.includes(medium['label-text']), JSON.stringify(slots));
}

interface Element {
  'entry-kind': string;
  'entry-id': number;
  'label-text': string;
}

/** What an operator would do who brings the tapes back and puts them in. */
async function bringBack(): Promise<void> {
  const elements = await ferriteJson<Element[]>('proxmox-tape', 'changer', 'status', 'robot', '--cache', 'no');
  const free = elements.filter((element) => element['entry-kind'] === 'slot' && !element['label-text']);
  const exported = elements.filter((element) => element['entry-kind'] === 'import-export' && element['label-text']);
  assert.equal(exported.length, 2, JSON.stringify(elements));
  for (const [index, { 'entry-id': from }] of exported.entries()) {
    await tape('changer', 'transfer', 'robot', '--from', String(from), '--to', String(free[index]?.['entry-id']));
  }
  await tape('inventory', '--drive', 'driver');
}

async function restore(): Promise<void> {
  const set = (await media()).find((medium) => medium['media-set-uuid'])?.['media-set-uuid'];
  assert.ok(set);
  await tape('restore', set, 'restored', '--drive', 'driver');
  await tape('snapshot', 'verify', 'restored');
  const [snapshot] = await ferriteJson<{ path: string }[]>('proxmox-tape', 'snapshot', 'list', 'restored');
  assert.ok(snapshot);
  for (const [archive, original] of [
    ['disk.img', image],
    ['vm.conf', config],
  ] as const) {
    const target = join(work, `restored-${archive}`);
    await tape('snapshot', 'extract', 'restored', snapshot.path, archive, target);
    assert.equal(digest(target), digest(original), archive);
  }
}

export const runJobs: readonly Check[] = [
  ['tapes that were written to are erased', blankTapes],
  ['changer, drives by both kinds of nodes, pool, datastores', configure],
  ['blank tapes are labelled by their bar codes', label],
  ['a backup takes the next tape at early warning, and exports the set', backUp],
  ['the tapes come back', bringBack],
  ['the other drive restores what was backed up, byte by byte', restore],
];
