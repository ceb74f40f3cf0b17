import test from 'ava';
import {
  bytes,
  catalog,
  elementLabel,
  encrypt,
  epoch,
  mediaStatus,
  percent,
} from '../../../ts/cli/report/renderers.ts';

test('bytes', (t) => {
  t.is(bytes(0, {}), '0 B');
  t.is(bytes(1023, {}), '1023 B');
  t.is(bytes(1024, {}), '1.00 KiB');
  t.is(bytes(1536, {}), '1.50 KiB');
  t.is(bytes(3 * 1024 ** 3, {}), '3.00 GiB');
  t.is(bytes(5000 * 1024 ** 5, {}), '5000.00 PiB');
});

test('epoch is local time as %c of the C locale', (t) => {
  t.is(epoch(new Date(2021, 0, 6, 9, 7, 51).getTime() / 1000, {}), 'Wed Jan  6 09:07:51 2021');
  t.is(epoch(new Date(2024, 11, 31, 23, 59, 0).getTime() / 1000, {}), 'Tue Dec 31 23:59:00 2024');
  t.is(epoch('never', {}), 'never');
});

test('percent', (t) => {
  t.is(percent(0.375, {}), '37.50%');
});

test('presence', (t) => {
  t.is(encrypt('14:f8', {}), 'yes');
  t.is(encrypt(undefined, {}), 'no');
  t.is(catalog(true, {}), 'ok');
  t.is(catalog(false, {}), 'missing');
});

test('media status', (t) => {
  t.is(mediaStatus('full', { expired: true }), 'expired');
  t.is(mediaStatus('damaged', { expired: true }), 'damaged');
  t.is(mediaStatus('retired', { expired: true }), 'retired');
  t.is(mediaStatus('full', { expired: false }), 'full');
});

test('element label', (t) => {
  t.is(elementLabel('', {}), '--FULL--');
  t.is(elementLabel('TAPE1', {}), 'TAPE1');
  t.is(elementLabel(null, {}), '');
});
