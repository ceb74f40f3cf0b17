import type { KeyStatus, PasswordAge } from '../../../keys/key_status.ts';
import { defineCommand } from '../../grammar/command.ts';
import { text } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';
import { epoch } from '../../report/renderers.ts';

const hintWords = (hint: string | undefined) => (hint === undefined ? 'without a hint' : `hint '${hint}'`);

function passwordWords(password: PasswordAge, hint: string | undefined): string {
  switch (password) {
    case 'current':
      return `under its present password (${hintWords(hint)})`;
    case 'other':
      return `under another password (${hintWords(hint)})`;
    case 'unknown':
      return hint === undefined
        ? 'under a password that is not known here'
        : `under the password with ${hintWords(hint)}`;
  }
}

function statusLines(keys: readonly KeyStatus[]): string[] {
  return keys.flatMap((key, index) => [...(index === 0 ? [] : ['']), ...linesOf(key)]);
}

function storedWords({ stored, usable, hint }: KeyStatus): string {
  if (!stored) {
    return "NOT STORED: load one of its tapes and run 'proxmox-tape key restore', or 'proxmox-tape key import <file>'";
  }
  if (usable !== false) return `stored, ${hintWords(hint)}`;
  return (
    `STORED UNDER ITS PASSWORD ONLY (${hintWords(hint)}), jobs cannot use it: what 'proxmox-tape key paperkey' prints of it ` +
    "brings it back, with 'proxmox-tape key import <file>'"
  );
}

function linesOf(key: KeyStatus): string[] {
  const { fingerprint, pools, mediaSets, paperKey } = key;
  const tapes = mediaSets.flatMap((set) => set.tapes);
  const older = tapes.filter(({ password }) => password === 'other').map(({ labelText }) => labelText);
  const unread = tapes.filter((tape) => tape.password === 'unknown' && tape.hint === undefined);
  return [
    fingerprint,
    `  ${storedWords(key)}`,
    paperKey
      ? `  paper key made ${epoch(paperKey.made, {})}, ${passwordWords(paperKey.password, paperKey.hint)}`
      : '  no paper key was made here',
    ...(pools.length === 0 ? [] : [`  encrypts pool ${pools.join(', ')}`]),
    ...mediaSets.flatMap((set) => [
      `  media set ${set.uuid} '${set.name}' of pool ${set.pool}`,
      ...set.tapes.map(
        ({ labelText, password, hint: onTape }) =>
          `    tape ${labelText} carries it ${passwordWords(password, onTape)}`,
      ),
    ]),
    ...(older.length === 0
      ? []
      : [`  a changed password never reaches tapes that hold data: keep the old one for ${older.join(', ')}`]),
    ...(unread.length === 0
      ? []
      : [
          `  to know more, load and run 'proxmox-tape read-label --inventorize': ` +
            unread.map(({ labelText }) => labelText).join(', '),
        ]),
  ];
}

export default defineCommand({
  summary: 'Show what needs each encryption key, and what would bring it back.',
  details:
    'For each key the pools and media sets that need it, under which password each tape carries it, and whether a ' +
    'paper key was made.',
  examples: [['key status', 'All keys that are stored or needed:']],
  positionals: {},
  options: { 'output-format': outputFormat },
  output: text<KeyStatus[]>(statusLines),
  async run(_, { installation }) {
    const { keyStatus } = await import('../../../keys/key_status.ts');
    return keyStatus(installation);
  },
});
