/** A drive that goes away, between two commands and in the middle of one: an error that names it, soon, and no trace afterwards. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toFerriteError } from '../../ts/errors.ts';
import { TapeDrive } from '../../ts/native.ts';
import { type Devices, ferrite, ferriteJson, node, scan } from './devices.ts';
import type { Check } from './main.ts';

/** To hear of it. */
const LIMIT_MS = 20_000;

/** The drive's folder in /sys, and its host adapter's. */
function kernelFolders(path: string): { device: string; host: string } {
  const device = realpathSync(`/sys/class/scsi_generic/${basename(node(path))}/device`);
  return { device, host: `/sys/class/scsi_host/host${basename(device).split(':')[0]}` };
}

/** The adapter looks for its devices anew; resolves when udev has named the drive. */
async function bringBack(host: string, path: string): Promise<void> {
  writeFileSync(join(host, 'scan'), '- - -');
  execFileSync('udevadm', ['settle', '--timeout=30']);
  const { drives } = await scan();
  assert.ok(
    drives.some((drive) => drive.path === path),
    JSON.stringify(drives),
  );
  const status = await ferriteJson<{ density: string }>('pmt', 'status', '--device', path);
  assert.equal(status.density, 'LTO8');
}

async function rejection(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const outcome = work.then(
    () => ({ code: 'succeeded', message: '' }),
    (error: unknown) => toFerriteError(error),
  );
  const limit = sleep(LIMIT_MS, { code: 'hangs', message: '' }, { ref: false });
  return Promise.race([outcome, limit]);
}

function assertNamed({ code, message }: { code: string; message: string }, path: string): void {
  assert.equal(code, 'device-gone', message);
  assert.ok(message.includes(`drive 'vanishing' (${path})`), message);
}

/** The second drive, open, while it vanishes; brought back whatever comes of that. */
async function lose(
  { drives }: Devices,
  scenario: (drive: TapeDrive, path: string, device: string) => Promise<void>,
): Promise<void> {
  const path = drives[1]?.path ?? '';
  const { device, host } = kernelFolders(path);
  const drive = await TapeDrive.open({ kind: 'lto', name: 'vanishing', path });
  try {
    await drive.rewind();
    await scenario(drive, path, device);
  } finally {
    await drive.close();
    await bringBack(host, path);
  }
}

const betweenCommands = (devices: Devices): Promise<void> =>
  lose(devices, async (drive, path, device) => {
    writeFileSync(join(device, 'delete'), '1');
    assertNamed(await rejection(drive.rewind()), path);
    // The drive of the configuration, by the node that it had.
    await assert.rejects(ferrite('proxmox-tape', 'rewind', '--drive', 'driver'), /nst1/);
  });

/**
 * The emulator is stopped, so that the command is under way while the drive is removed. The kernel's sg driver gives it back
 * only when it has ended, as an adapter ends the commands of a drive that was pulled; until then it also keeps whoever removes
 * the drive.
 */
const duringCommand = (devices: Devices): Promise<void> =>
  lose(devices, async (drive, path, device) => {
    const server = Number(readFileSync('/mnt/work/server.pid', 'utf8'));
    process.kill(server, 'SIGSTOP');
    const rewinding = rejection(drive.rewind());
    await sleep(500);
    const removed = once(spawn('sh', ['-c', `echo 1 >${join(device, 'delete')}`]), 'exit');
    await sleep(500);
    process.kill(server, 'SIGCONT');
    assertNamed(await rewinding, path);
    await removed;
  });

export const loseDrives: readonly Check[] = [
  ['a drive that vanishes is named by the next command', betweenCommands],
  ['a drive that vanishes ends the command that was under way', duringCommand],
];
