/**
 * Commands that write keys, killed at every single thing they do to the files of keys, or failing there for lack of space:
 * each file is the old one or the new one, no key is lost, an error names the file, and the same command run again completes
 * the work. A plain run does a sample of it, FERRITE_LONG=1 all.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Outcome, runTool } from '../cli/run.ts';
import { EncryptedSite } from '../jobs/encrypted_site.ts';
import { memoryDirectory } from '../temporary_installation.ts';

const PLAIN = 'etc/proxmox-backup/tape-encryption-keys.json';
const CONFIGS = 'etc/proxmox-backup/tape-encryption-key-config.json';
const RECORDS = 'var/lib/proxmox-backup/ferrite/key-records.json';
const FILES = [PLAIN, CONFIGS, RECORDS];
const isLong = process.env.FERRITE_LONG === '1';
const sources = join(import.meta.dirname, '../../../tests');
const { wrapped } = JSON.parse(readFileSync(join(sources, 'vectors/keys/configs.json'), 'utf8')) as {
  wrapped: { json: string; fingerprint: string; password: string }[];
};
const pbkdf2 = wrapped.find(({ json }) => json.includes('PBKDF2'));

/** An installation, a file with a key that it does not have, and a library that interferes. */
class Site {
  readonly root: string;
  readonly #folder: string;
  readonly #library: string;

  constructor(t: ExecutionContext, root?: string) {
    this.#folder = memoryDirectory(t);
    this.root = root ?? join(this.#folder, 'root');
    this.#library = join(this.#folder, 'interposer.so');
    const source = join(sources, 'keys/interposer.c');
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', this.#library, source, '-ldl']);
    writeFileSync(this.keyFile, pbkdf2?.json ?? '');
  }

  get keyFile(): string {
    return join(this.#folder, 'key.json');
  }

  run(input: string, words: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return runTool('proxmox-tape', words, { stdin: input, env: { PROXMOX_TAPE_ROOT: this.root, TZ: 'UTC', ...env } });
  }

  faulty(input: string, words: readonly string[], env: Record<string, string>): Promise<Outcome> {
    return this.run(input, words, { LD_PRELOAD: this.#library, ...env });
  }

  /** What the command does to files of keys, in order. */
  async operations(t: ExecutionContext, { input, words }: Prepared): Promise<string[]> {
    const log = join(this.#folder, 'log');
    t.is((await this.faulty(input, words, { INTERPOSER_LOG: log })).code, 0);
    return readFileSync(log, 'utf8').trimEnd().split('\n');
  }

  files(): string[] {
    return FILES.map((name) => {
      const path = join(this.root, name);
      return existsSync(path) ? readFileSync(path, 'utf8') : '';
    });
  }

  temporaries(): string[] {
    const folders = FILES.map((name) => join(this.root, name, '..')).filter((folder) => existsSync(folder));
    return folders.flatMap((folder) => readdirSync(folder).filter((name) => name.includes('tmp_')));
  }

  save(): void {
    cpSync(this.root, join(this.#folder, 'saved'), { recursive: true });
  }

  reset(): void {
    rmSync(this.root, { recursive: true });
    cpSync(join(this.#folder, 'saved'), this.root, { recursive: true });
  }
}

type Fault = 'INTERPOSER_KILL' | 'INTERPOSER_FAIL';

/** A command that is ready to run. */
interface Prepared {
  site: Site;
  input: string;
  words: string[];
  /** Keys that have to be in both files whatever happens, each with passwords of which one opens it. */
  kept: { fingerprint: string; passwords: string[] }[];
}

interface Case {
  prepare: (t: ExecutionContext) => Promise<Prepared>;
  /** Operations on files of keys, in order. */
  operations: string[];
  /** What the command makes is another thing each time. */
  isRandom?: boolean;
  /** What is written is a note for later: without it the command has done its work. */
  isNote?: boolean;
  /** Takes too long for a plain run. */
  isLong?: boolean;
}

const WRITE = ['create', 'write', 'chmod', 'sync', 'rename', 'sync'];
const FIRST = 'battery staple';

/** An installation with one key, and a command that is given its fingerprint. */
async function withKey(
  t: ExecutionContext,
  input: string,
  words: (fingerprint: string, site: Site) => string[],
  passwords = [FIRST],
): Promise<Prepared> {
  const site = new Site(t);
  const { stdout } = await site.run(`${FIRST}\n`, ['key', 'create', '--hint', 'x', '--kdf', 'pbkdf2']);
  const fingerprint = JSON.parse(stdout) as string;
  return { site, input, words: words(fingerprint, site), kept: [{ fingerprint, passwords }] };
}

/** The key of a tape, removed from the store. */
async function withTape(t: ExecutionContext): Promise<Prepared> {
  const encrypted = await EncryptedSite.make();
  t.teardown(() => encrypted.remove());
  const { site: library, key } = encrypted;
  await library.ok('load-media', 'FER001L8');
  const second = await library.type(`${FIRST}\n`, 'key', 'create', '--hint', 'x', '--kdf', 'pbkdf2');
  await library.ok('key', 'remove', key, '--force');
  const site = new Site(t, library.root);
  const kept = [{ fingerprint: JSON.parse(second.stdout) as string, passwords: [FIRST] }];
  return { site, input: 'correct horse\n', words: ['key', 'restore'], kept };
}

const CREATE = ['key', 'create', '--hint', 'y', '--kdf', 'pbkdf2'];
const CASES: Record<string, Case> = {
  create: {
    prepare: (t) => withKey(t, 'third time\n', () => CREATE),
    operations: [...WRITE, ...WRITE],
    isRandom: true,
  },
  'create, the first one': {
    prepare: async (t) => {
      const site = new Site(t);
      await site.run('', ['pool', 'create', 'daily']);
      return { site, input: 'third time\n', words: CREATE, kept: [] };
    },
    operations: [...WRITE, ...WRITE],
    isRandom: true,
    isLong: true,
  },
  import: {
    prepare: (t) => withKey(t, 'correct horse\n', (_, site) => ['key', 'import', site.keyFile]),
    operations: [...WRITE, ...WRITE],
  },
  remove: {
    prepare: async (t) => {
      const { site, kept } = await withKey(t, '', () => []);
      const { stdout } = await site.run('third time\n', CREATE);
      return { site, kept, input: '', words: ['key', 'remove', JSON.parse(stdout) as string] };
    },
    operations: [...WRITE, ...WRITE],
  },
  'change-passphrase': {
    prepare: (t) =>
      withKey(
        t,
        `${FIRST}\nthird time\n`,
        (fingerprint) => ['key', 'change-passphrase', fingerprint, '--kdf', 'pbkdf2'],
        [FIRST, 'third time'],
      ),
    operations: WRITE,
    isRandom: true,
  },
  restore: { prepare: withTape, operations: [...WRITE, ...WRITE], isLong: true },
  paperkey: {
    prepare: (t) => withKey(t, '', (fingerprint) => ['key', 'paperkey', fingerprint]),
    operations: WRITE,
    isRandom: true,
    isNote: true,
  },
};

/** Root gives the key configs to the service user, where there is one. */
const known = (operations: string[]) => operations.filter((operation) => operation !== 'chown');

/** All operations with both faults; in a plain run half a write that is killed, and the last file that cannot be put in place. */
function faultsOf(done: string[]): { fault: Fault; number: number }[] {
  if (!isLong) {
    return [
      { fault: 'INTERPOSER_KILL', number: done.indexOf('write') + 1 },
      { fault: 'INTERPOSER_FAIL', number: done.lastIndexOf('rename') + 1 },
    ];
  }
  const faults: Fault[] = ['INTERPOSER_KILL', 'INTERPOSER_FAIL'];
  return done.flatMap((_, index) => faults.map((fault) => ({ fault, number: index + 1 })));
}

for (const [name, { prepare, operations, isRandom, isNote, isLong: takesLong }] of Object.entries(CASES)) {
  if (takesLong && !isLong) continue;
  test(`key ${name}: killed, or out of space, at ${isLong ? 'every operation' : 'two operations'}`, async (t) => {
    const prepared = await prepare(t);
    const { site, input, words } = prepared;
    site.save();
    const before = site.files();
    const done = await site.operations(t, prepared);
    t.deepEqual(known(done), operations);
    const after = site.files();

    for (const { fault, number } of faultsOf(done)) {
      site.reset();
      const { code, stdout, stderr } = await site.faulty(input, words, { [fault]: String(number) });
      const at = `${fault} ${number} (${done[number - 1]})`;
      if (fault === 'INTERPOSER_KILL') t.is(code, null, at);
      else assertTold(t, { code, stdout, stderr }, isNote === true, at);
      for (const [index, content] of site.files().entries()) {
        const isOneOfThem = content === before[index] || content === after[index];
        t.true(isOneOfThem || (isRandom && typeof JSON.parse(content) === 'object'), `${at}: ${FILES[index]}`);
      }
      if (fault === 'INTERPOSER_FAIL') t.deepEqual(site.temporaries(), [], at);
      await assertKept(t, prepared, at);

      const again = await site.run(input, words);
      if (again.code !== 0 && !isNote) t.regex(again.stderr, /is there already|no key |wrong password/, at);
      if (!isRandom) t.deepEqual(site.files(), after, at);
      if (!isNote) t.deepEqual(site.temporaries(), [], at);
      await assertKept(t, prepared, at);
    }
  });
}

/** The error names the file, or its folder; a note that cannot be taken is a warning beside the whole output. */
function assertTold(t: ExecutionContext, { code, stdout, stderr }: Outcome, isNote: boolean, at: string): void {
  t.regex(
    stderr,
    /(tape-encryption-key|etc\/proxmox-backup|key-records|ferrite).*(No space left|ENOSPC|no space)/s,
    at,
  );
  if (isNote) {
    t.is(code, 0, at);
    t.regex(stdout, /BEGIN PROXMOX BACKUP KEY.*<\/html>\n$/s, at);
  } else {
    t.is(code, 255, at);
    t.regex(stderr, /^Error: cannot /m, at);
  }
}

/** Keys that the command has nothing to do with, or only gives another password. */
async function assertKept(t: ExecutionContext, { site, kept }: Prepared, at: string): Promise<void> {
  for (const { fingerprint, passwords } of kept) {
    const [plain, configs] = site.files();
    t.true(plain?.includes(fingerprint) && configs?.includes(fingerprint), `${at}: the other key is there`);
    const codes = [];
    for (const password of passwords) {
      codes.push((await site.run(`${password}\n`, ['key', 'check', fingerprint])).code);
    }
    t.true(codes.includes(0), `${at}: a password opens it`);
  }
}
