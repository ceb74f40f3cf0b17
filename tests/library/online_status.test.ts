/** Where tapes are, as real changers tell (behaviour.md 18, S-102 to S-107). */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { changeChanger, removeChanger } from '../../ts/config/changers.ts';
import { removeDrive } from '../../ts/config/drives.ts';
import { changerStatus, labelMedia, listMedia, loadMedia, transferMedia } from '../../ts/index.ts';
import { RecordingObserver, settled } from '../recording_observer.ts';
import { Emulated } from './emulated.ts';

test('locations follow the changer: slot, mail slot, drive, export slot, and nothing while it does not answer', async (t) => {
  const emulated = await Emulated.make(t, { drives: 1, slots: 3, importExport: 1 });
  const { installation, directory } = emulated;
  await emulated.insert(1, 'T1');
  const request = { drive: 'drive0', labelText: 'T1' };
  await settled(loadMedia(installation, request, new RecordingObserver()));
  await settled(labelMedia(installation, request, new RecordingObserver()));
  const warnings: string[] = [];
  const location = async () => (await listMedia(installation, {}, (warning) => warnings.push(warning)))[0]?.location;
  t.is(await location(), 'online-lib', 'in the drive');
  await emulated.robot((changer) => changer.unload(0, 4));
  t.is(await location(), 'offline', 'in the mail slot');
  await transferMedia(installation, { name: 'lib', from: 4, to: 2 });
  t.is((await listMedia(installation, { updateStatus: false }))[0]?.location, 'offline', 'nobody asked');
  await changerStatus(installation, { name: 'lib', cache: false });
  t.is((await listMedia(installation, { updateStatus: false }))[0]?.location, 'online-lib', 'by changer status');
  await changeChanger(installation, 'lib', { 'export-slots': '2' });
  t.is(await location(), 'offline', 'in an export slot');
  await changeChanger(installation, 'lib', {}, { delete: ['export-slots'] });
  t.is(await location(), 'online-lib');
  t.deepEqual(warnings, []);
  renameSync(directory, join(installation.root, 'away'));
  t.is(await location(), 'online-lib', 'what was known stays');
  t.is(warnings.length, 1);
  t.regex(warnings[0] ?? '', /cannot ask changer 'lib'/);
  await removeDrive(installation, 'drive0');
  await removeChanger(installation, 'lib');
  t.is(await location(), 'offline', 'no longer configured');
});
