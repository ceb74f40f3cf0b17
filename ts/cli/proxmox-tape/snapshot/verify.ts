import Type from 'typebox';
import { FerriteError } from '../../../errors.ts';
import type { VerifyReport } from '../../../native.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { outputFormat, progress } from '../../parameters.ts';
import { bytes } from '../../report/renderers.ts';
import { snapshot, store } from './parameters.ts';

const length = (list: unknown): string => String(Array.isArray(list) ? list.length : 0);

/** Everything that keeps the answer from being "all is well". */
function findings({ errors, moreErrors, skipped }: VerifyReport): string[] {
  return [
    ...errors.map(({ snapshot: path, file, chunk, message }) => {
      const place = [path, file, chunk && `chunk ${chunk}`].filter(Boolean).join(', ');
      return `${place}: ${message}`;
    }),
    ...(moreErrors > 0 ? [`${moreErrors} more errors`] : []),
    ...skipped.map((path) => `${path}: not checked, somebody is writing or removing it: run the command again`),
  ];
}

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
    { name: 'errors', type: 'integer', render: length },
  ]),
  async run(request, { installation, report }) {
    const { verifySnapshots } = await import('../../../jobs/datastore/snapshots.ts');
    const result = await report.work((log) => verifySnapshots(installation, request, log));
    for (const finding of findings(result)) report.fail(new FerriteError('data', 'verify-failed', finding));
    return result;
  },
});
