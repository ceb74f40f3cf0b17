/** Sections for devices that are there (D8, S-196 to S-201), on emulated devices. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { addDrive } from '../../ts/config/drives.ts';
import { createChanger, createDrive, listConfiguredDrives, updateChanger, updateDrive } from '../../ts/index.ts';
import { tapeSection } from '../../ts/library/device_config.ts';
import { isRewindingNode, isTapeNode } from '../../ts/library/drives/tape_node.ts';
import type { Device } from '../../ts/native.ts';
import { temporaryDirectory, temporaryInstallation } from '../temporary_installation.ts';
import { Emulated } from './emulated.ts';

const text = ({ installation }: Emulated) => readFileSync(installation.paths.configFile('tape.cfg'), 'utf8');

async function empty(t: ExecutionContext): Promise<Emulated> {
  const emulated = await Emulated.make(t, { drives: 2, slots: 2, importExport: 0 });
  writeFileSync(emulated.installation.paths.configFile('tape.cfg'), '');
  return emulated;
}

test('drives and changers by their paths, each device once', async (t) => {
  const emulated = await empty(t);
  const { installation, directory } = emulated;
  const path = (name: string) => join(directory, name);
  await createChanger(installation, { name: 'lib', path: path('changer') });
  t.deepEqual(await createDrive(installation, { name: 'one', path: path('drive0'), changer: 'lib' }), []);
  t.is(
    text(emulated),
    `changer: lib\n\tpath ${path('changer')}\n\nlto: one\n\tchanger lib\n\tpath ${path('drive0')}\n`,
  );
  const link = join(installation.root, 'link');
  symlinkSync(directory, link);
  await t.throwsAsync(createDrive(installation, { name: 'two', path: join(link, 'drive0') }), { code: 'path-in-use' });
  await t.throwsAsync(createDrive(installation, { name: 'two', path: path('changer') }), { code: 'wrong-device' });
  await t.throwsAsync(createDrive(installation, { name: 'two', path: '/dev/null' }), { code: 'wrong-device' });
  await t.throwsAsync(createDrive(installation, { name: 'two', path: path('drive7') }), { code: 'no-device' });
  await createDrive(installation, { name: 'two', path: path('drive1') });
  await t.throwsAsync(updateDrive(installation, 'two', { path: path('drive0') }), { code: 'path-in-use' });
  await t.throwsAsync(updateDrive(installation, 'two', { path: path('changer') }), { code: 'wrong-device' });
  t.deepEqual(
    await updateDrive(installation, 'two', { path: path('drive1'), changer: 'lib', 'changer-drivenum': 1 }),
    [],
  );
  await t.throwsAsync(createChanger(installation, { name: 'other', path: path('changer') }), { code: 'path-in-use' });
  await t.throwsAsync(updateChanger(installation, 'lib', { path: path('drive0') }), { code: 'wrong-device' });
  const listed = await listConfiguredDrives(installation);
  t.deepEqual(
    listed.map(({ name, type }) => `${name} ${type}`),
    ['one lto', 'two lto'],
  );
  t.truthy(listed[0]?.serial);
  t.is(listed[0]?.activity, 'no-activity');
});

test('virtual drives are made as before', async (t) => {
  const { installation } = await empty(t);
  await createDrive(installation, { name: 'virt', type: 'virtual', path: join(installation.root, 'v'), 'max-size': 5 });
  t.deepEqual(await listConfiguredDrives(installation), [
    { name: 'virt', type: 'virtual', path: join(installation.root, 'v'), 'max-size': 5 },
  ]);
});

test('nodes of the tape driver are told by their name, through links', async (t) => {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, 'by-id'));
  for (const name of ['nst0', 'st12', 'nst1a', 'sg3', 'drive0']) writeFileSync(join(folder, name), '');
  symlinkSync('../nst0', join(folder, 'by-id', 'scsi-1-nst'));
  const cases = {
    nst0: [true, false],
    st12: [true, true],
    nst1a: [true, false],
    sg3: [false, false],
    drive0: [false, false],
  };
  for (const [name, [isTape, isRewinding]] of Object.entries(cases)) {
    t.is(await isTapeNode(join(folder, name)), isTape ?? false, name);
    t.is(await isRewindingNode(join(folder, name)), isRewinding ?? false, name);
  }
  t.true(await isTapeNode(join(folder, 'by-id', 'scsi-1-nst')));
  t.false(await isTapeNode(join(folder, 'nowhere')));
});

/** A drive with its nodes, as the kernel and udev would show it. */
const DEVICE: Device = {
  kind: 'tape',
  path: '/dev/tape/by-id/scsi-HU1-sg',
  stable: true,
  node: '/dev/sg4',
  tapePath: '/dev/tape/by-id/scsi-HU1-nst',
  serial: 'HU1',
  vendor: 'IBM',
  model: 'ULT3580-TD8',
  major: 21,
  minor: 4,
};

test('a tape node becomes a linux: section only where no PBS would stumble over it, else its generic node', async (t) => {
  const root = temporaryDirectory(t);
  const installation = temporaryInstallation(t, { root });
  const nodes = Object.fromEntries(['nst1', 'st1', 'sg4'].map((name) => [name, join(root, name)]));
  for (const path of Object.values(nodes)) writeFileSync(path, '');
  const { nst1 = '', st1 = '', sg4 = '' } = nodes;
  const section = async (path: string, type?: 'lto' | 'linux') => {
    const { section, notes } = await tapeSection(installation, { name: 'new', path, type }, DEVICE);
    return [section.type, section.path, notes.length];
  };
  t.deepEqual(await section(nst1), ['linux', nst1, 0]);
  t.deepEqual(await section(st1), ['linux', DEVICE.tapePath, 1]);
  t.deepEqual(await section(sg4), ['lto', sg4, 0]);
  t.deepEqual(await section(sg4, 'linux'), ['linux', DEVICE.tapePath, 1]);
  t.deepEqual(await section(nst1, 'lto'), ['lto', DEVICE.path, 1]);
  await addDrive(installation, { type: 'lto', name: 'old', path: '/dev/sg9' });
  t.deepEqual(await section(nst1), ['lto', DEVICE.path, 1]);

  const besidePbs = temporaryInstallation(t);
  mkdirSync(join(besidePbs.root, 'usr/sbin'), { recursive: true });
  writeFileSync(join(besidePbs.root, 'usr/sbin/proxmox-backup-manager'), '');
  const { section: shared, notes } = await tapeSection(besidePbs, { name: 'new', path: nst1 }, DEVICE);
  t.deepEqual(shared, { type: 'lto', path: DEVICE.path });
  t.regex(notes[0] ?? '', /stored as lto: .*scsi-HU1-sg/);
});
