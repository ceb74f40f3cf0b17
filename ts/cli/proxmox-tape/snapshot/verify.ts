import Type from 'typebox';
import { FerriteError } from '../../../errors.ts';
import type { VerifyReport } from '../../../native.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { outputFormat, progress } from '../../parameters.ts';
import { bytes } from '../../report/renderers.ts';
import { snapshot, store } from './parameters.ts';

export default defineCommand({
  summary: 'Check every file and every chunk of snapshots.',
  details: 'Everything that is damaged or missing is reported; then the command fails.',
  examples: [['snapshot verify mystore', 'All snapshots of a datastore:']],
  positionals: {
    store,
    snapshots: Type.Optional(Type.Array(snapshot, { description: 'Snapshots to check, as listed; all if not given.' })),
  },
  options: { 'output-format': outputFormat, progress },
  output: record<VerifyReport>([
    { name: 'snapshots', type: 'integer' },
    { name: 'chunks', type: 'integer' },
    { name: 'bytes', type: 'integer', render: bytes },
    { name: 'errors', type: 'integer', render: (errors) => String(Array.isArray(errors) ? errors.length : 0) },
  ]),
  async run(request, { installation, report }) {
    const { verifySnapshots } = await import('../../../jobs/snapshots.ts');
    const result = await report.work((log) => verifySnapshots(installation, request, log));
    for (const { snapshot: path, file, chunk, message } of result.errors) {
      const place = [path, file, chunk && `chunk ${chunk}`].filter(Boolean).join(', ');
      report.fail(new FerriteError('data', 'verify-failed', `${place}: ${message}`));
    }
    return result;
  },
});
