/** A drive that wants to be cleaned says so in every job, until it is (behaviour.md 10.4, section 17). */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EmulatedLibrary } from '../../../../ts/native.ts';
import { InProcess } from '../../in_process.ts';

const box = new InProcess();
const directory = join(box.root, 'library');
const drive = ['--drive', 'lib-drive0'];

test.before(async () => {
  const size = ['--drives', '1', '--slots', '3', '--import-export', '1', '--tape-size', '100000000'];
  const barcodes = ['--barcode', 'A01', '--barcode', 'CLN001CU'];
  await box.ok('emulator', 'create', directory, ...size, ...barcodes, '--configure', 'lib');
  await box.ok('datastore', 'create', 'store1', join(box.root, 'store1'));
  await box.ok('pool', 'create', 'pool1');
  await box.ok('barcode-label', '--pool', 'pool1', ...drive);
});
test.after.always(() => box.remove());

async function backup(name: string): Promise<string> {
  writeFileSync(join(box.root, name), randomBytes(300_000));
  await box.ok('snapshot', 'import', 'store1', `vm/${name}`, `disk.img:${join(box.root, name)}`);
  return box.ok('backup', 'store1', 'pool1', ...drive);
}

test.serial('told as a warning; the job is done all the same', async (t) => {
  t.regex(await backup('100'), /TASK OK\n$/);
  await (await EmulatedLibrary.open(directory)).wantCleaning(0, false);
  const text = await backup('101');
  t.regex(text, /^tape alert flags: CLEAN_PERIODIC$/m);
  t.regex(
    text,
    /^WARN: drive 'lib-drive0' wants to be cleaned \(CLEAN_PERIODIC\): run 'proxmox-tape clean --drive lib-drive0', which takes 'CLN001CU' from slot 2$/m,
  );
  t.regex(text, /TASK WARNINGS: 1\n$/);
  t.regex(await box.ok('status', ...drive), /^│ alert-flags +│ CLEAN_PERIODIC +│$/m);
});

test.serial(
  'cleaned: the tape goes back to its slot, the cleaning cartridge too, and the drive is content',
  async (t) => {
    const text = await box.ok('clean', ...drive);
    t.regex(text, /moving tape 'A01' from drive 0 to slot 1\n.*\nmoving tape 'CLN001CU' from slot 2 to drive 0\n/);
    t.regex(text, /moving tape 'CLN001CU' from drive 0 to slot 2\n/);
    t.regex(await backup('102'), /TASK OK\n$/);
  },
);

test.serial('eject-before-unload: the drive lets go of its tape before the robot comes', async (t) => {
  await box.ok('changer', 'update', 'lib', '--eject-before-unload', '1');
  t.is(await box.ok('unload', ...drive), "moving tape 'A01' from drive 0 to slot 1\nTASK OK\n");
  await box.ok('load-media', 'A01', ...drive);
  t.regex(await backup('103'), /TASK OK\n$/);
});
