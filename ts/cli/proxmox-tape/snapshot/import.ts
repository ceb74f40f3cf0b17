import Type from 'typebox';
import type { ImportReport } from '../../../native.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { optional } from '../../grammar/parameter.ts';
import { outputFormat, progress } from '../../parameters.ts';
import { bytes } from '../../report/renderers.ts';
import { archiveSources, group, ns, owner, store } from './parameters.ts';

export default defineCommand({
  summary: 'Put directories, images and config files into a datastore, as one snapshot.',
  details:
    'Directories become pxar archives with all that the file system knows of their files. Data that the datastore has ' +
    'already is not stored again.',
  examples: [
    ['snapshot import mystore host/server1 root.pxar:/etc', 'A directory:'],
    ['snapshot import mystore vm/100 disk.img:/var/lib/vm.raw vm.conf:/etc/vm.conf', 'An image and a config file:'],
  ],
  positionals: { store, group, archives: archiveSources },
  options: {
    ns,
    owner,
    'backup-time': optional(Type.Integer({ minimum: 0 }), {
      description: 'Time of the snapshot (epoch); now by default.',
    }),
    exclude: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Pattern of files to leave out of directories, as in .gitignore; may be given several times.',
      }),
    ),
    'output-format': outputFormat,
    progress,
  },
  output: record<ImportReport>([
    { name: 'snapshot' },
    { name: 'files', type: 'integer' },
    { name: 'bytes-read', type: 'integer', render: bytes },
    { name: 'chunks', type: 'integer' },
    { name: 'new-chunks', type: 'integer' },
    { name: 'new-chunk-bytes', type: 'integer', render: bytes },
  ]),
  async run({ 'backup-time': time, ...request }, { installation, report }) {
    const { importSnapshot } = await import('../../../jobs/datastore/snapshots.ts');
    return report.work((log) => importSnapshot(installation, { ...request, time }, log));
  },
});
