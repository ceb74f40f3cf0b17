import test from 'ava';
import { cartridgeKind } from '../../ts/media/cartridge.ts';
import { readVectors } from '../vectors.ts';

test('bar codes tell generation, native capacity and speed', (t) => {
  for (const row of readVectors<{ suffix: string; name: string; gigabytes: number; megabytesPerSecond: number }>(
    'cartridges.json',
  )) {
    const { name, gigabytes, megabytesPerSecond } = row;
    const bytesPerSecond = megabytesPerSecond * 1_000_000;
    t.deepEqual(cartridgeKind(`A00012${row.suffix}`), {
      name,
      capacityBytes: gigabytes * 1_000_000_000,
      bytesPerSecond,
    });
  }
});

test('labels that are no bar codes tell nothing', (t) => {
  t.is(cartridgeKind('tape1'), undefined);
  t.is(cartridgeKind('L8'), undefined, 'a generation without a number');
  t.is(cartridgeKind('AL8')?.name, 'LTO-8');
  t.is(cartridgeKind('L8A0001'), undefined);
  t.is(cartridgeKind('CONSTRUCTOR'), undefined);
});
