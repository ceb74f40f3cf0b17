import type { ScannedFile } from '../../native.ts';
import { defineCommand } from '../grammar/command.ts';
import { nothing } from '../grammar/output.ts';
import { drive } from '../parameters.ts';
import { bytes, epoch } from '../report/renderers.ts';

/** One tape file as lines (cli.md 4.8). */
function fileLines(file: ScannedFile): string[] {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['content type', file.kind],
    ['uuid', file.uuid],
    ['ctime', file.ctime === undefined ? undefined : epoch(file.ctime, {})],
    ['header size', file.headerSize === undefined ? undefined : bytes(file.headerSize, {})],
    ['part number', file.partNumber?.toString()],
    ['note', file.note],
    ['skipped', bytes(file.bytes, {})],
  ];
  return [
    `file number: ${file.fileNumber}`,
    ...facts.flatMap(([name, fact]) => (fact === undefined || fact === '' ? [] : [`  ${name}: ${fact}`])),
    ...(file.incomplete ? ['  WARNING: the file is marked incomplete'] : []),
    ...(file.hasEndMarker ? [] : ['  WARNING: the file has no end marker']),
  ];
}

export default defineCommand({
  summary: 'Rewind, read the tape and print what each of its files is (for debugging).',
  examples: [['scan --drive mydrive', 'All files of the tape in the drive:']],
  positionals: {},
  options: { drive },
  output: nothing,
  async run(access, { installation, report }) {
    const { scanTape } = await import('../../jobs/scan_tape.ts');
    report.lines(['rewinding tape']);
    await scanTape(
      installation,
      access,
      (file) => report.lines(fileLines(file)),
      (message) => report.warn(message),
    );
  },
});
