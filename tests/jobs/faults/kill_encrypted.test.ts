/** A backup with a key in the drive that is killed, or asked to end: where the key is then, and that the next one goes on. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Outcome } from '../../cli/run.ts';
import { EncryptedSite } from '../encrypted_site.ts';
import { Command } from './command.ts';

const SNAPSHOTS = 20;
const CHUNK_BYTES = 4 << 20;
const BACKUP = ['backup', 'store1', 'enc', '--no-wait'];

let site: EncryptedSite;
/** The only chunk of the last snapshot. */
let lastChunk = '';

/** One tape and a part of another: FER001L8 is full in the middle of the job. */
test.before(async () => {
  site = await EncryptedSite.make();
  for (let number = 0; number < SNAPSHOTS; number++) {
    const content = randomBytes(CHUNK_BYTES);
    const image = join(site.folder, 'image');
    writeFileSync(image, content);
    await site.site.ok('snapshot', 'import', 'store1', `vm/${200 + number}`, `disk.img:${image}`);
    const digest = createHash('sha256').update(content).digest('hex');
    lastChunk = join(site.folder, 'store1/.chunks', digest.slice(0, 4), digest);
  }
});
test.after.always(() => site?.remove());
test.beforeEach(async () => {
  site.reset();
  // What a job wrote and did not commit takes room on its tape: there has to be one to spare.
  await site.site.ok('emulator', 'insert', site.library, 'FER004L8', '--slot', '5');
  for (const tape of ['FER003L8', 'FER004L8']) {
    await site.site.ok('load-media', tape);
    await site.site.ok('label', '--label-text', tape, '--pool', 'enc');
  }
});

/** The backup as a process that comes to the last snapshot, and then waits for its chunk for ever. */
async function stuckBackup(): Promise<Command> {
  const chunk = readFileSync(lastChunk);
  rmSync(lastChunk);
  execFileSync('mkfifo', [lastChunk]);
  const command = new Command(site.site.root, BACKUP);
  void command.ended.then(() => {
    rmSync(lastChunk);
    writeFileSync(lastChunk, chunk);
  });
  await command.said(new RegExp(`^end backup store1:vm/${200 + SNAPSHOTS - 2}/`, 'm'));
  return command;
}

async function safe(): Promise<Set<string>> {
  const content = await site.site.json<{ pool: string; snapshot: string }[]>('media', 'content', '--pool', 'enc');
  return new Set(content.map(({ snapshot }) => snapshot));
}

/** Snapshots that the job said to be done, up to a line. */
function done({ stdout }: Outcome, until: RegExp): string[] {
  const [before = ''] = stdout.split(until);
  return [...before.matchAll(/^end backup store1:(\S+)$/gm)].map(([, snapshot = '']) => snapshot);
}

/** The next backup completes the job, and everything comes back. */
async function completes(t: ExecutionContext, before: Set<string>): Promise<void> {
  const again = await site.run(BACKUP.join(' '));
  t.is(again.code, 0, again.stdout + again.stderr);
  const after = await safe();
  t.is(after.size, SNAPSHOTS + 1);
  t.true([...before].every((snapshot) => after.has(snapshot)));
  t.is(await site.mode(), 'off');
  const restored = await site.run('restore SET target');
  t.is(restored.code, 0, restored.stderr);
  const verified = await site.site.json<{ snapshots: number; errors: unknown[] }>('snapshot', 'verify', 'target');
  t.deepEqual([verified.snapshots, verified.errors.length], [SNAPSHOTS + 1, 0]);
}

test.serial('SIGKILL leaves the key in the drive: the next command that opens it clears it', async (t) => {
  const command = await stuckBackup();
  command.signal('SIGKILL');
  const killed = await command.ended;
  t.is(killed.code, null);
  t.is(await site.mode(), 'mixed');
  const committed = done(killed, /^tape 'FER001L8' is full$/m);
  const before = await safe();
  t.true(committed.length > 5 && committed.length < SNAPSHOTS - 2, 'the first tape is full, and not the second');
  t.true(committed.every((snapshot) => before.has(snapshot)));
  t.regex((await site.run('read-label --drive drv')).stdout, /FER003L8/);
  t.is(await site.mode(), 'off');
  await completes(t, before);
});

test.serial('SIGTERM: what was written is committed, and the key gone before the process is', async (t) => {
  const command = new Command(site.site.root, BACKUP);
  await command.said(/^end backup/m);
  command.signal('SIGTERM');
  const outcome = await command.ended;
  if (outcome.code === 0) return t.pass('it was done before the signal came');
  t.is(outcome.code, 143, outcome.stdout);
  t.is(await site.mode(), 'off');
  const before = await safe();
  t.true(done(outcome, /^TASK/m).every((snapshot) => before.has(snapshot)));
  await completes(t, before);
});

test.serial('a second SIGTERM ends what is stuck, and still takes the key with it', async (t) => {
  const command = await stuckBackup();
  command.signal('SIGTERM');
  await command.said(/abort requested/);
  command.signal('SIGTERM');
  t.is((await command.ended).code, 143);
  t.is(await site.mode(), 'off');
  await completes(t, await safe());
});
