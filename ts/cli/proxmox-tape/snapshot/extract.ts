import Type from 'typebox';
import type { ExtractReport } from '../../../native.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { annotate } from '../../grammar/parameter.ts';
import { outputFormat, progress } from '../../parameters.ts';
import { bytes } from '../../report/renderers.ts';
import { snapshot, store } from './parameters.ts';

const target = Type.String({
  minLength: 1,
  description: 'A new or empty directory for a pxar archive, else a new file.',
});

export default defineCommand({
  summary: 'Take an archive out of a snapshot.',
  examples: [
    ['snapshot extract mystore host/server1/2024-06-05T09:33:20Z root.pxar /tmp/etc', 'A directory tree:'],
    ['snapshot extract mystore vm/100/2024-06-05T09:33:20Z disk.img /tmp/disk.raw', 'An image:'],
  ],
  positionals: {
    store,
    snapshot,
    archive: Type.String({ minLength: 1, description: 'Name of the archive: root.pxar, disk.img, vm.conf.' }),
    target: annotate(target, { completion: 'path' }),
  },
  options: { 'output-format': outputFormat, progress },
  output: record<ExtractReport>([
    { name: 'files', type: 'integer' },
    { name: 'bytes-written', type: 'integer', render: bytes },
  ]),
  async run(request, { installation, report }) {
    const { extractArchive } = await import('../../../jobs/datastore/snapshots.ts');
    return report.work((log) => extractArchive(installation, request, log));
  },
});
