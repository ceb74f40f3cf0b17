/** A disk that is full: under the tapes, under the target of a restore, under the state. With room again the job completes. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { mediaContent } from '../../../ts/index.ts';
import { Site } from '../site.ts';
import { run } from './command.ts';

const BACKUP = ['backup', 'store1', 'pool1'];
const MEGABYTE = 1_000_000;
const PAGE = 4096;

/** Why this machine has no small file systems for a test. */
function mountProblem(): string | undefined {
  if (process.geteuid?.() !== 0) return 'only root mounts file systems';
  const folder = `/tmp/ferrite-mount-${process.pid}`;
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' });
    execFileSync('umount', [folder], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `no permission to mount: ${(error as Error).message.split('\n').at(-2)}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const problem = mountProblem();
if (problem) process.stderr.write(`SKIP root: ${problem}\n`);
const diskTest = problem ? test.skip : test;

/** A folder becomes a file system of this size, with the same content. */
function shrink(t: ExecutionContext, folder: string, bytes: number): (bytes: number) => void {
  const aside = `${folder}.aside`;
  renameSync(folder, aside);
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  t.teardown(() => execFileSync('umount', ['--lazy', folder]));
  for (const name of readdirSync(aside)) cpSync(`${aside}/${name}`, `${folder}/${name}`, { recursive: true });
  return (size) => execFileSync('mount', ['-o', `remount,size=${size}`, folder]);
}

async function someSnapshots(t: ExecutionContext): Promise<Site> {
  const site = await Site.make(t, { tapeBlocks: 80, tapes: ['T1', 'T2', 'T3', 'T4'] });
  for (const number of [0, 1, 2, 3, 4, 5, 6, 7]) {
    await site.addSnapshot(`vm/${number}`, 1, [`disk${number}`], { chunkBytes: 4 * MEGABYTE });
  }
  return site;
}

diskTest('under the tapes', async (t) => {
  const site = await someSnapshots(t);
  const folder = site.path('tapes-vdrive');
  const grow = shrink(t, folder, 15 * MEGABYTE);
  const full = await run(site.installation.root, ...BACKUP);
  t.is(full.code, 255);
  t.true(full.stderr.includes(folder), full.stderr);
  t.regex(full.stderr, /no space|full/i);
  const still = await run(site.installation.root, ...BACKUP);
  t.is(still.code, 255);
  t.true(still.stderr.includes(folder), still.stderr);
  const safe = await mediaContent(site.installation, {});
  grow(200 * MEGABYTE);
  const again = await run(site.installation.root, ...BACKUP);
  t.is(again.code, 0, again.stderr);
  const content = await mediaContent(site.installation, {});
  t.is(new Set(content.map(({ snapshot }) => snapshot)).size, 8);
  for (const { snapshot } of safe) t.true(content.some((entry) => entry.snapshot === snapshot));
  await site.addTarget('target');
  const { outcome } = await site.restore({ mediaSet: content[0]?.['media-set-uuid'] ?? '', store: 'target' });
  t.is(outcome.error, undefined);
  t.is(await site.verified('target'), 8);
});

diskTest('under the target of a restore', async (t) => {
  const site = await someSnapshots(t);
  await site.backup();
  const [first] = await mediaContent(site.installation, {});
  await site.addTarget('target');
  const words = ['restore', first?.['media-set-uuid'] ?? '', 'target'];
  const grow = shrink(t, site.path('target'), 14 * MEGABYTE);
  const full = await run(site.installation.root, ...words);
  t.is(full.code, 255);
  t.true(full.stderr.includes(site.path('target')), full.stderr);
  t.regex(full.stderr, /no space|full/i);
  const early = await site.verified('target');
  t.true(early >= 1 && early < 8, `${early} whole snapshots`);
  grow(200 * MEGABYTE);
  const again = await run(site.installation.root, ...words);
  t.is(again.code, 0, again.stderr);
  t.is(await site.verified('target'), 8);
});

diskTest('under inventory and catalogs: no room at all, then one page more at a time', async (t) => {
  const site = await someSnapshots(t);
  const folder = site.installation.paths.statusDir;
  shrink(t, folder, 64 * PAGE);
  const filler = `${folder}/filler`;
  execFileSync('sh', ['-c', `cat /dev/zero > '${filler}' || true`], { stdio: 'pipe' });
  let free = 0;
  for (; free < 32; free++) {
    truncateSync(filler, statSync(filler).size - PAGE * (free > 0 ? 1 : 0));
    const { outcome } = await site.backup();
    if (!outcome.error) break;
    t.regex(
      outcome.error.message,
      new RegExp(`${folder}.*(no space|full)|(no space|full).*${folder}`, 'is'),
      `${free} pages`,
    );
  }
  t.true(free >= 1 && free < 32, `done with ${free} pages`);
  const content = await mediaContent(site.installation, {});
  t.is(new Set(content.map(({ snapshot }) => snapshot)).size, 8);
  await site.addTarget('target');
  await site.restore({ mediaSet: content[0]?.['media-set-uuid'] ?? '', store: 'target' });
  t.is(await site.verified('target'), 8);
});

diskTest('under the logs of tasks: the job is done all the same, and says that its log is not', async (t) => {
  const site = await someSnapshots(t);
  const folder = site.installation.paths.taskLogDir;
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  shrink(t, folder, PAGE);
  writeFileSync(`${folder}/filler`, Buffer.alloc(PAGE));
  const { code, stdout, stderr } = await run(site.installation.root, ...BACKUP);
  t.is(code, 0, stderr);
  t.regex(stdout, /^WARN: the task goes on without its log .*no space/m);
  t.regex(stdout, /^TASK WARNINGS: 1$/m);
  t.is((await mediaContent(site.installation, {})).length, 8);
});
