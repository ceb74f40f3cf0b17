/** A write-once tape in a real drive node: what is on it stays, whoever tries to overwrite it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Devices, ferrite, ferriteJson, foreign, tapeNode } from './devices.ts';
import type { Check } from './main.ts';

const library = join(process.env.FERRITE_GUEST_WORK ?? '/mnt/work', 'library');
const BARCODE = 'WORM01L8';

interface Element {
  'entry-kind': string;
  'entry-id': number;
  'label-text': string;
}

async function freeSlot(): Promise<string> {
  const elements = await ferriteJson<Element[]>('proxmox-tape', 'changer', 'status', 'robot', '--cache', 'no');
  const free = elements.find((element) => element['entry-kind'] === 'slot' && !element['label-text']);
  assert.ok(free, JSON.stringify(elements));
  return String(free['entry-id']);
}

async function writtenOnce({ changer, drives }: Devices): Promise<void> {
  const generic = drives[0]?.path ?? '';
  const tape = tapeNode(generic);
  const slot = await freeSlot();
  await ferrite('proxmox-tape', 'emulator', 'insert', library, BARCODE, '--slot', slot, '--worm');
  await ferrite('pmtx', 'load', slot, '--device', changer.path);
  const label = ['label', '--drive', 'generic', '--label-text', BARCODE];
  await ferrite('proxmox-tape', ...label);
  const refused = /write-once|WORM/;
  await assert.rejects(ferrite('proxmox-tape', ...label), /erase it first|write-once|WORM/);
  await assert.rejects(ferrite('proxmox-tape', 'format', '--drive', 'generic'), refused);
  for (const words of [['erase'], ['weof', '1']]) {
    await ferrite('pmt', 'rewind', '--device', generic);
    await assert.rejects(ferrite('pmt', ...words, '--device', generic), refused, words[0] ?? '');
  }
  foreign('mt-st', '-f', tape, 'rewind');
  assert.throws(() => foreign('dd', 'if=/dev/zero', `of=${tape}`, 'bs=64k', 'count=1'), /error|ermitted|denied/);
  const read = await ferriteJson<{ 'label-text': string }>('proxmox-tape', 'read-label', '--drive', 'generic');
  assert.equal(read['label-text'], BARCODE);
  await ferrite('pmtx', 'unload', '--device', changer.path);
  await ferrite('proxmox-tape', 'emulator', 'remove', library, '--slot', slot);
}

export const protectTapes: readonly Check[] = [['a write-once tape is written once', writtenOnce]];
