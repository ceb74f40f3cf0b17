/** Planned device faults: at which command they are hit, and what becomes of them. */
import test from 'ava';
import { toFerriteError } from '../../ts/errors.ts';
import { type DeviceFault, DeviceFaults, Environment } from '../../ts/native.ts';
import { emulatedLibrary, openChanger, openDrive } from './library.ts';

const faulty = (...faults: DeviceFault[]) => {
  const plan = new DeviceFaults(faults);
  return { plan, environment: Environment.system().withDeviceFaults(plan) };
};

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'succeeded';
  } catch (error) {
    return toFerriteError(error).code;
  }
}

test('commands are counted over all devices of an environment', async (t) => {
  const library = await emulatedLibrary(t);
  const { plan, environment } = faulty();
  const changer = await openChanger(t, library, { environment });
  const afterOpen = plan.commands;
  t.true(afterOpen > 0);
  await changer.load(1, 0);
  const afterLoad = plan.commands;
  const drive = await openDrive(t, library, 0, { environment });
  await drive.waitReady();
  t.true(plan.commands > afterLoad && afterLoad > afterOpen);
  t.deepEqual(plan.hits(), []);
});

/** What a rewind comes to when its command fails so. */
for (const [kind, expected] of [
  ['medium-error', 'drive'],
  ['hardware-error', 'drive'],
  ['position-lost', 'succeeded'],
  ['aborted', 'succeeded'],
  ['timeout', 'connection-lost'],
  ['device-gone', 'device-gone'],
] as const) {
  test(`a rewind that meets '${kind}': ${expected}`, async (t) => {
    const library = await emulatedLibrary(t);
    await (await openChanger(t, library)).load(1, 0);
    // What has happened is told once; from the second on, every opening is the same.
    await (await openDrive(t, library)).waitReady();
    const counting = faulty();
    const sober = await openDrive(t, library, 0, { environment: counting.environment });
    await sober.waitReady();
    const at = counting.plan.commands;
    await sober.close();
    const { plan, environment } = faulty({ at, kind });
    const drive = await openDrive(t, library, 0, { environment });
    await drive.waitReady();
    t.is(await code(drive.rewind()), expected);
    t.deepEqual(plan.hits(), [{ fault: 0, at, command: 'REWIND' }]);
  });
}

test('a device that is gone is named', async (t) => {
  const library = await emulatedLibrary(t);
  await (await openChanger(t, library)).load(1, 0);
  const gone = () => faulty({ at: 12, kind: 'device-gone' }).environment;
  const message = async (work: () => Promise<unknown>) => {
    // However many commands a question takes.
    for (let n = 0; n < 12; n += 1) {
      try {
        await work();
      } catch (error) {
        return toFerriteError(error).message;
      }
    }
    return 'succeeded';
  };
  const drive = await openDrive(t, library, 0, { environment: gone() });
  const changer = await openChanger(t, library, { environment: gone() });
  for (const [expected, work] of [
    [`drive 'drive0' (${library.directory}/drive0): `, () => drive.rewind()],
    [`changer 'sl3' (${library.directory}/changer): `, () => changer.status()],
  ] as const) {
    const text = await message(work);
    t.true(text.startsWith(expected), text);
    t.regex(text, /the device is gone; .*'drive scan'/);
  }
  const absent = faulty({ at: 0, kind: 'device-gone' }).environment;
  const opening = await message(() => openDrive(t, library, 1, { environment: absent }));
  t.true(opening.startsWith(`drive 'drive1' (${library.directory}/drive1): `), opening);
});

test('a robot that lies is found out, and nothing is done twice', async (t) => {
  const library = await emulatedLibrary(t);
  const counting = faulty();
  const changer = await openChanger(t, library, { environment: counting.environment });
  const opening = counting.plan.commands;
  await changer.status();
  const before = counting.plan.commands;
  await changer.status();
  const commandsOfStatus = counting.plan.commands - before;
  const { plan, environment } = faulty({ at: opening + commandsOfStatus, kind: 'lying' });
  const liar = await openChanger(t, library, { environment });
  t.is(await code(liar.load(1, 0)), 'changer-move');
  t.deepEqual(
    plan.hits().map(({ command }) => command),
    ['MOVE MEDIUM'],
  );
  t.is((await changer.status()).slots[0]?.tag, 'FER001L8');
});
