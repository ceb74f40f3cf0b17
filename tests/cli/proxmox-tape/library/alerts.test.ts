/** TapeAlert around jobs (behaviour.md 10.4): critical flags stop them, and people are asked to clean a drive that wants it. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { backup, openInstallation } from '../../../../ts/index.ts';
import { EmulatedLibrary } from '../../../../ts/native.ts';
import { mailServer, webServer } from '../../../jobs/notify/servers.ts';
import { RecordingObserver } from '../../../recording_observer.ts';
import { InProcess } from '../../in_process.ts';

const HARD_ERROR = 3;
const MEDIA = 4;

class Box extends InProcess {
  readonly directory = join(this.root, 'library');
  readonly drive = ['--drive', 'lib-drive0'];
  #snapshots = 0;

  /** Library `lib` with blank tapes A01 to A03 of pool1, and no cleaning cartridge. */
  static async make(t: ExecutionContext): Promise<Box> {
    const box = new Box();
    t.teardown(() => box.remove());
    const size = ['--drives', '1', '--slots', '5', '--import-export', '1', '--tape-size', '100000000'];
    const barcodes = ['A01', 'A02', 'A03'].flatMap((label) => ['--barcode', label]);
    await box.ok('emulator', 'create', box.directory, ...size, ...barcodes, '--configure', 'lib');
    await box.ok('datastore', 'create', 'store1', join(box.root, 'store1'));
    await box.ok('pool', 'create', 'pool1');
    await box.ok('barcode-label', '--pool', 'pool1', ...box.drive);
    return box;
  }

  library(): Promise<EmulatedLibrary> {
    return EmulatedLibrary.open(this.directory);
  }

  async snapshot(): Promise<void> {
    const image = join(this.root, 'image');
    writeFileSync(image, randomBytes(300_000));
    await this.ok('snapshot', 'import', 'store1', `vm/${++this.#snapshots}`, `disk.img:${image}`);
  }

  async status(label: string): Promise<string | undefined> {
    return (await this.#media(label))?.status;
  }

  async mediaSet(label: string): Promise<string> {
    return (await this.#media(label))?.['media-set-uuid'] ?? '';
  }

  async #media(label: string): Promise<Record<string, string> | undefined> {
    const media = await this.json<Record<string, string>[]>('media', 'list');
    return media.find((tape) => tape['label-text'] === label);
  }
}

test('a critical alert: nothing is written to the tape, it is damaged, and the next job takes another', async (t) => {
  const box = await Box.make(t);
  const { url, requests } = await webServer(t);
  await box.ok('notification', 'create', 'hook', '--type', 'webhook', '--url', url, '--event', 'failure');
  await box.snapshot();
  await box.ok('backup', 'store1', 'pool1', ...box.drive);
  const before = await box.ok('scan', ...box.drive);
  await (await box.library()).raiseAlerts(0, [HARD_ERROR, MEDIA]);
  await box.snapshot();
  const { code, stdout, stderr } = await box.run('backup', 'store1', 'pool1', ...box.drive);
  t.is(code, 255);
  t.regex(stdout, /^tape alert flags: HARD_ERROR \| MEDIA$/m);
  const error =
    /drive 'lib-drive0' warns of tape 'A01' \(MEDIA\): nothing was written to it, and its status is damaged/;
  t.regex(stderr, error);
  t.regex(String(requests[0]?.body.message), error);
  t.is(await box.status('A01'), 'damaged');
  t.is(await box.ok('scan', ...box.drive), before, 'the tape is as it was');

  const next = await box.ok('backup', 'store1', 'pool1', ...box.drive);
  t.regex(next, /starting new media set - reason: .*'A01'.*damaged/);
  t.regex(next, /allocated empty tape 'A02'\n(.*\n)*TASK OK\n$/);
  const set = await box.mediaSet('A01');
  await box.ok('datastore', 'create', 'target', join(box.root, 'target'));
  t.regex(await box.ok('restore', set, 'target', ...box.drive), /TASK OK\n$/, 'what is on it can be restored');
});

test('a drive that fails in the middle of a job: the error names tape, drive and flag', async (t) => {
  const box = await Box.make(t);
  await box.snapshot();
  // Behind both labels and their filemarks.
  await (await box.library()).damage('A01', 'unwritable', 5);
  const failure = await box.fails('backup', 'store1', 'pool1', ...box.drive);
  t.regex(failure, /tape 'A01': .*\(drive 'lib-drive0' reports WRITE_FAILURE\)/);
  t.regex(
    await box.fails('backup', 'store1', 'pool1', ...box.drive),
    /drive 'lib-drive0' warns of tape 'A01' \(WRITE_FAILURE\)/,
  );
  t.is(await box.status('A01'), 'damaged');
  t.regex(await box.ok('backup', 'store1', 'pool1', ...box.drive), /allocated empty tape 'A02'\n(.*\n)*TASK OK\n$/);
});

test('a drive that wants to be cleaned: people are asked by mail and webhook, until it is', async (t) => {
  const box = await Box.make(t);
  const mail = await mailServer(t, { disabledCommands: ['STARTTLS'] });
  const { url, requests } = await webServer(t);
  const server = ['--server', '127.0.0.1', '--port', String(mail.port), '--security', 'none'];
  const target = ['--to', 'operator@example.com', '--event', 'request'];
  await box.ok('notification', 'create', 'office', '--type', 'smtp', ...server, ...target);
  await box.ok('notification', 'create', 'hook', '--type', 'webhook', '--url', url, '--event', 'request');

  await (await box.library()).wantCleaning(0, true);
  await box.snapshot();
  const text = await box.ok('backup', 'store1', 'pool1', ...box.drive);
  const wish = "drive 'lib-drive0' wants to be cleaned (CLEAN_NOW | CLEAN_PERIODIC)";
  const none =
    "insert a cleaning cartridge into a normal slot of library 'lib', then run 'proxmox-tape clean --drive lib-drive0'";
  t.true(text.includes(`WARN: ${wish}: ${none}\n`), text);
  t.regex(text, /TASK WARNINGS: 1\n$/, 'told once');
  t.is(mail.mails.length, 1);
  t.regex(mail.mails[0]?.content ?? '', /^Subject: Drive 'lib-drive0' needs cleaning\r$/m);
  t.deepEqual(mail.mails[0]?.to, ['operator@example.com']);
  t.is(requests.length, 1);
  t.like(requests[0]?.body, { title: "Drive 'lib-drive0' needs cleaning", severity: 'notice', event: 'request' });
  const message = String(requests[0]?.body.message);
  for (const part of [wish, none, 'Library:', "Backup of datastore 'store1' to pool 'pool1'"]) {
    t.true(message.includes(part), message);
  }
  t.regex(await box.fails('clean', ...box.drive), /no cleaning cartridge is in a normal slot/);

  await box.ok('emulator', 'insert', box.directory, 'CLN001CU', '--slot', '4');
  const set = await box.mediaSet('A01');
  await box.ok('datastore', 'create', 'target', join(box.root, 'target'));
  const restored = await box.ok('restore', set, 'target', ...box.drive);
  t.regex(restored, /run 'proxmox-tape clean --drive lib-drive0', which takes 'CLN001CU' from slot 4\n/);
  t.is(mail.mails.length, 2, 'a restore asks as well');
  await box.ok('clean', ...box.drive);
  await box.snapshot();
  t.regex(await box.ok('backup', 'store1', 'pool1', ...box.drive), /TASK OK\n$/);
  t.is(mail.mails.length, 2);
});

test('what comes up while a job writes is told when it ends', async (t) => {
  const box = await Box.make(t);
  const { url, requests } = await webServer(t);
  await box.ok('notification', 'create', 'hook', '--type', 'webhook', '--url', url, '--event', 'request');
  await box.snapshot();
  const installation = openInstallation({ root: box.root, variables: {} });
  const native = resolve(import.meta.dirname, '../../../../ts/native.js');
  const program = `
    const { EmulatedLibrary } = await import(${JSON.stringify(native)});
    const library = await EmulatedLibrary.open(${JSON.stringify(box.directory)});
    await library.wantCleaning(0, false);
    await library.raiseAlerts(0, [30]);`;
  const raise = () => execFileSync(process.execPath, ['--input-type=module', '-e', program]);
  const observer = new RecordingObserver().when(/^append catalog of tape/, raise);
  const request = { store: 'store1', pool: 'pool1', drive: 'lib-drive0' };
  const { error } = await backup(installation, request, observer);
  t.is(error, undefined, 'everything was written');
  t.true(
    observer.warnings.some((line) => /drive 'lib-drive0' reports HARDWARE_A: look at it and at its tape/.test(line)),
  );
  t.true(observer.warnings.some((line) => /wants to be cleaned \(CLEAN_PERIODIC\)/.test(line)));
  t.deepEqual(
    requests.map(({ body }) => body.title),
    ["Drive 'lib-drive0' needs cleaning"],
  );
});
