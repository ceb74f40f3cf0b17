import test from 'ava';
import { kebabKey, toWire } from '../../../ts/cli/report/json.ts';

test('property names are kebab-case, names that begin with a capital stay as PBS spells them', (t) => {
  t.is(kebabKey('mediaSetUuid'), 'media-set-uuid');
  t.is(kebabKey('label-text'), 'label-text');
  t.is(kebabKey('VolumeTag'), 'VolumeTag');
  t.deepEqual(toWire({ Ok: { slots: [{ importExport: true, status: { VolumeTag: 'TAPE01L8' } }] } }), {
    Ok: { slots: [{ 'import-export': true, status: { VolumeTag: 'TAPE01L8' } }] },
  });
});
