/** Passwords typed at a terminal: prompts, stars, keys that take back, and a terminal that is as it was afterwards. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { memoryDirectory } from '../../temporary_installation.ts';
import { Installed } from '../run.ts';
import { Terminal } from '../terminal.ts';

const CREATE = '$PT key create --hint "at a terminal" --kdf pbkdf2';
const PASSWORD = 'Tape Encryption Key Password: ';
const VERIFY = 'Verify Password: ';

function place(t: ExecutionContext): string {
  return memoryDirectory(t);
}

test('create asks twice, shows stars, and prints the fingerprint', async (t) => {
  const root = place(t);
  const terminal = new Terminal(root, CREATE);
  // A letter too many, taken back; a character of two bytes.
  await terminal.answer(PASSWORD, 'pâté de foiee\x7f');
  await terminal.answer(VERIFY, 'pâté de foie');
  t.is(await terminal.ended, 0, terminal.shown);
  t.regex(
    terminal.shown,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal gets to take a star back
    /^Tape Encryption Key Password: \*{13}\x08 \x08\r\nVerify Password: \*{12}\r\n"[0-9a-f:]{95}"\r\n$/,
  );
  t.false(terminal.shown.includes('foie'));
  const [, fingerprint = ''] = /"(.{95})"/.exec(terminal.shown) ?? [];
  t.is((await new Installed(root).type('pâté de foie\n', 'key', 'check', fingerprint)).code, 0);
});

test('the fingerprint can go into a file: the prompt stays on the terminal', async (t) => {
  const root = place(t);
  const terminal = new Terminal(root, `${CREATE} > ${join(root, 'out')} 2> ${join(root, 'err')}`);
  await terminal.answer(PASSWORD, 'correct horse');
  await terminal.answer(VERIFY, 'correct horse');
  t.is(await terminal.ended, 0);
  t.regex(readFileSync(join(root, 'out'), 'utf8'), /^"[0-9a-f:]{95}"\n$/);
  t.is(readFileSync(join(root, 'err'), 'utf8'), '');
});

test('different passwords, and short ones, change nothing', async (t) => {
  const root = place(t);
  const different = new Terminal(root, CREATE);
  await different.answer(PASSWORD, 'correct horse');
  await different.answer(VERIFY, 'correct hearse');
  t.is(await different.ended, 255);
  t.regex(different.shown, /Error: the two passwords differ: nothing was changed/);
  const short = new Terminal(root, CREATE);
  await short.answer(PASSWORD, '1234');
  t.is(await short.ended, 255);
  t.false(short.shown.includes(VERIFY));
  t.regex(short.shown, /fewer than 5 bytes/);
  t.deepEqual(readdirSync(root), []);
});

test('change-passphrase asks for the current password, then twice for the new one', async (t) => {
  const root = place(t);
  const site = new Installed(root);
  const { stdout } = await site.type('correct horse\n', 'key', 'create', '--hint', 'equine', '--kdf', 'pbkdf2');
  const fingerprint = JSON.parse(stdout) as string;
  const terminal = new Terminal(root, `$PT key change-passphrase ${fingerprint} --kdf pbkdf2 --hint power`);
  await terminal.answer('Current Tape Encryption Key Password: ', 'correct horse');
  await terminal.answer('New Tape Encryption Key Password: ', 'battery staple');
  await terminal.answer(VERIFY, 'battery staple');
  t.is(await terminal.ended, 0, terminal.shown);
  t.regex(terminal.shown, /^password hint of the key: equine\r\n/);
  t.is((await site.type('battery staple\n', 'key', 'check', fingerprint)).code, 0);
});

/** Settings of the terminal before and after a command, and what ended it. */
async function settingsAround(t: ExecutionContext, interrupt: (terminal: Terminal, root: string) => void) {
  const root = place(t);
  const shell = `echo $$ > ${root}/shell; stty -g > ${root}/before; ${CREATE}; echo $? > ${root}/code; stty -g > ${root}/after`;
  const terminal = new Terminal(root, shell);
  await terminal.sees(PASSWORD);
  terminal.type('correct');
  await terminal.sees('*******');
  interrupt(terminal, root);
  await terminal.ended;
  const read = (name: string) => readFileSync(join(root, name), 'utf8').trim();
  t.is(read('after'), read('before'));
  t.false(terminal.shown.includes('correct'));
  t.false(readdirSync(root).includes('etc'));
  return read('code');
}

test('Ctrl-C ends the asking, and the terminal echoes again', async (t) => {
  t.is(await settingsAround(t, (terminal) => terminal.type('\x03')), '130');
});

test('so does a signal', async (t) => {
  const code = await settingsAround(t, (_, root) => {
    const shell = readFileSync(join(root, 'shell'), 'utf8').trim();
    const children = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim().split(' ');
    for (const child of children) process.kill(Number(child), 'SIGTERM');
  });
  t.true(['130', '143'].includes(code), code);
});
