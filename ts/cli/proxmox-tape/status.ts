import type { DriveReport } from '../../library/drives/status.ts';
import { defineCommand } from '../grammar/command.ts';
import { record } from '../grammar/output.ts';
import { drive, outputFormat } from '../parameters.ts';
import { bytes, epoch, percent } from '../report/renderers.ts';

export default defineCommand({
  summary: 'Show the status of a drive and of the tape in it.',
  examples: [['status --drive mydrive', 'Works with and without a tape:']],
  positionals: {},
  options: { drive, 'output-format': outputFormat },
  output: record<DriveReport>([
    { name: 'blocksize', type: 'integer' },
    { name: 'density' },
    { name: 'status' },
    { name: 'options' },
    { name: 'compression', type: 'boolean' },
    { name: 'buffer-mode', type: 'integer' },
    { name: 'write-protect', type: 'boolean' },
    { name: 'alert-flags' },
    { name: 'file-number', type: 'integer' },
    { name: 'block-number', type: 'integer' },
    { name: 'manufactured', type: 'integer', render: epoch },
    { name: 'bytes-written', type: 'integer', render: bytes },
    { name: 'bytes-read', type: 'integer', render: bytes },
    { name: 'medium-passes', type: 'integer' },
    { name: 'medium-wearout', type: 'number', render: percent },
    { name: 'volume-mounts', type: 'integer' },
  ]),
  async run(access, { installation }) {
    const { driveStatus } = await import('../../library/drives/status.ts');
    return driveStatus(installation, access);
  },
});
