import type { LabelFacts } from '../../library/tapes/read_label.ts';
import { defineCommand } from '../grammar/command.ts';
import { record } from '../grammar/output.ts';
import { drive, flag, outputFormat } from '../parameters.ts';
import { epoch } from '../report/renderers.ts';

export default defineCommand({
  summary: 'Read the label of the tape in the drive.',
  details: 'A media set of zeros only means that the tape belongs to a pool, but no media set uses it yet.',
  examples: [['read-label --inventorize', 'Read it, and record the tape in the inventory:']],
  positionals: {},
  options: { drive, inventorize: flag('Record the tape in the inventory.'), 'output-format': outputFormat },
  output: record<LabelFacts>([
    { name: 'label-text', header: 'changer-id' }, // D4
    { name: 'uuid' },
    { name: 'ctime', type: 'integer', render: epoch },
    { name: 'pool' },
    { name: 'media-set-uuid' },
    { name: 'media-set-ctime', type: 'integer', render: epoch },
    { name: 'encryption-key-fingerprint' },
  ]),
  async run(request, { installation, report }) {
    const { readLabel } = await import('../../library/tapes/read_label.ts');
    const facts = await readLabel(installation, request);
    if (facts.encryptionKeyFingerprint !== undefined) {
      const { missingKeyNote } = await import('../../keys/keys.ts');
      const note = await missingKeyNote(installation, facts.encryptionKeyFingerprint); // D18
      if (note !== undefined) report.warn(note);
    }
    return facts;
  },
});
