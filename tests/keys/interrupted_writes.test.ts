/**
 * Commands that change keys, killed at every single thing they do to the key files, or failing there for lack of space: each
 * file is the old one or the new one, no key is lost, and the same command run again completes the work. FERRITE_LONG=1 does
 * both with every command.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Outcome, runTool } from '../cli/run.ts';
import { memoryDirectory } from '../temporary_installation.ts';

const FILES = ['tape-encryption-keys.json', 'tape-encryption-key-config.json'];
const sources = join(import.meta.dirname, '../../../tests');
const { wrapped } = JSON.parse(readFileSync(join(sources, 'vectors/keys/configs.json'), 'utf8')) as {
  wrapped: { json: string; fingerprint: string; password: string }[];
};
const pbkdf2 = wrapped.find(({ json }) => json.includes('PBKDF2'));

/** An installation with one key, a file with another, and a library that interferes. */
class Site {
  readonly root: string;
  readonly #library: string;

  constructor(t: ExecutionContext) {
    this.root = memoryDirectory(t);
    this.#library = join(this.root, 'interposer.so');
    const source = join(sources, 'keys/interposer.c');
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', this.#library, source, '-ldl']);
    writeFileSync(join(this.root, 'key.json'), pbkdf2?.json ?? '');
  }

  run(input: string, words: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return runTool('proxmox-tape', words, {
      stdin: input,
      env: { PROXMOX_TAPE_ROOT: join(this.root, 'root'), TZ: 'UTC', ...env },
    });
  }

  faulty(input: string, words: readonly string[], env: Record<string, string>): Promise<Outcome> {
    return this.run(input, words, { LD_PRELOAD: this.#library, ...env });
  }

  get folder(): string {
    return join(this.root, 'root/etc/proxmox-backup');
  }

  files = () => FILES.map((name) => readFileSync(join(this.folder, name), 'utf8'));

  save(): void {
    cpSync(join(this.root, 'root'), join(this.root, 'saved'), { recursive: true });
  }

  reset(): void {
    rmSync(join(this.root, 'root'), { recursive: true });
    cpSync(join(this.root, 'saved'), join(this.root, 'root'), { recursive: true });
  }
}

async function siteWithKey(t: ExecutionContext): Promise<{ site: Site; fingerprint: string }> {
  const site = new Site(t);
  const { stdout } = await site.run('battery staple\n', ['key', 'create', '--hint', 'x', '--kdf', 'pbkdf2']);
  site.save();
  return { site, fingerprint: JSON.parse(stdout) as string };
}

type Fault = 'INTERPOSER_KILL' | 'INTERPOSER_FAIL';

interface Case {
  input: string;
  words: (site: Site, fingerprint: string) => string[];
  /** Operations on key files, in order. */
  operations: string[];
  /** What is done without FERRITE_LONG. */
  short: Fault[];
  /** Of files that the command changes, a key config that it made may be any. */
  isRandom?: boolean;
}

const WRITE = ['create', 'write', 'chmod', 'sync', 'rename', 'sync'];
const CASES: Record<string, Case> = {
  import: {
    input: 'correct horse\n',
    words: (site) => ['key', 'import', join(site.root, 'key.json')],
    operations: [...WRITE, ...WRITE],
    short: ['INTERPOSER_KILL'],
  },
  remove: {
    input: '',
    words: (_, fingerprint) => ['key', 'remove', fingerprint],
    operations: [...WRITE, ...WRITE],
    short: [],
  },
  'change-passphrase': {
    input: 'battery staple\nthird time\n',
    words: (_, fingerprint) => ['key', 'change-passphrase', fingerprint, '--kdf', 'pbkdf2'],
    operations: WRITE,
    short: ['INTERPOSER_FAIL'],
    isRandom: true,
  },
};

/** Root gives the key configs to the service user, where there is one. */
const known = (operations: string[]) => operations.filter((operation) => operation !== 'chown');

for (const [name, { input, words, operations, short, isRandom }] of Object.entries(CASES)) {
  const faults: Fault[] = process.env.FERRITE_LONG === '1' ? ['INTERPOSER_KILL', 'INTERPOSER_FAIL'] : short;
  if (faults.length === 0) continue;
  test(`key ${name}: killed, or out of space, at every operation`, async (t) => {
    const { site, fingerprint } = await siteWithKey(t);
    const command = words(site, fingerprint);
    const before = site.files();
    const log = join(site.root, 'log');
    t.is((await site.faulty(input, command, { INTERPOSER_LOG: log })).code, 0);
    const after = site.files();
    const done = readFileSync(log, 'utf8').trimEnd().split('\n');
    t.deepEqual(known(done), operations);

    for (let number = 1; number <= done.length; number++) {
      for (const fault of faults) {
        site.reset();
        const { code, stderr } = await site.faulty(input, command, { [fault]: String(number) });
        const at = `${fault} ${number} (${done[number - 1]})`;
        if (fault === 'INTERPOSER_KILL') t.is(code, null, at);
        else t.regex(stderr, /^Error: cannot .*No space left/m, at);
        for (const [index, content] of site.files().entries()) {
          const isOld = content === before[index];
          t.true(isOld || content === after[index] || (isRandom && isKeyFile(content)), `${at}: ${FILES[index]}`);
        }
        if (fault === 'INTERPOSER_FAIL') t.deepEqual(temporaries(site), [], at);
        await completes(t, site, { input, command, at, fingerprint });
        if (!isRandom) t.deepEqual(site.files(), after, at);
        t.deepEqual(temporaries(site), [], at);
      }
    }
  });
}

function isKeyFile(content: string): boolean {
  return Array.isArray(JSON.parse(content));
}

const temporaries = (site: Site) => readdirSync(site.folder).filter((name) => name.includes('tmp_'));

/** The command run again: it completes what was begun, or says that it was complete. */
async function completes(
  t: ExecutionContext,
  site: Site,
  { input, command, at, fingerprint }: { input: string; command: string[]; at: string; fingerprint: string },
): Promise<void> {
  const { code, stderr } = await site.run(input, command);
  if (command.includes('change-passphrase')) {
    // Either password may be the present one; never is it none of them.
    const check = await site.run('third time\n', ['key', 'check', fingerprint]);
    t.is(check.code, 0, at);
    return;
  }
  if (code !== 0) t.regex(stderr, /is there already|no key /, at);
}
