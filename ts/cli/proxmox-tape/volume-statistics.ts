import type { VolumeStatistics } from '../../native.ts';
import { defineCommand } from '../grammar/command.ts';
import { record } from '../grammar/output.ts';
import { drive, outputFormat } from '../parameters.ts';

export default defineCommand({
  summary: 'Show what a drive counted about the tape in it (SCSI log page 17h).',
  examples: [['volume-statistics --drive mydrive', 'Mounts, errors, bytes, passes:']],
  positionals: {},
  options: { drive, 'output-format': outputFormat },
  output: record<VolumeStatistics>([
    { name: 'beginning-of-medium-passes', type: 'integer' },
    { name: 'last-load-read-compression-ratio', type: 'integer' },
    { name: 'last-load-write-compression-ratio', type: 'integer' },
    { name: 'last-mount-bytes-read', type: 'integer' },
    { name: 'last-mount-bytes-written', type: 'integer' },
    { name: 'last-mount-unrecovered-read-errors', type: 'integer' },
    { name: 'last-mount-unrecovered-write-errors', type: 'integer' },
    { name: 'lifetime-bytes-read', type: 'integer' },
    { name: 'lifetime-bytes-written', type: 'integer' },
    { name: 'medium-mount-time', type: 'integer' },
    { name: 'medium-ready-time', type: 'integer' },
    { name: 'middle-of-tape-passes', type: 'integer' },
    { name: 'serial' },
    { name: 'total-native-capacity', type: 'integer' },
    { name: 'total-used-native-capacity', type: 'integer' },
    { name: 'volume-datasets-read', type: 'integer' },
    { name: 'volume-datasets-written', type: 'integer' },
    { name: 'volume-mounts', type: 'integer' },
    { name: 'volume-recovered-read-errors', type: 'integer' },
    { name: 'volume-recovered-write-data-errors', type: 'integer' },
    { name: 'volume-unrecovered-read-errors', type: 'integer' },
    { name: 'volume-unrecovered-write-data-errors', type: 'integer' },
    { name: 'volume-unrecovered-write-servo-errors', type: 'integer' },
    { name: 'volume-write-servo-errors', type: 'integer' },
    { name: 'worm', type: 'boolean' },
    { name: 'write-protect', type: 'boolean' },
  ]),
  async run(access, { installation }) {
    const { volumeStatistics } = await import('../../library/drives/diagnosis.ts');
    return volumeStatistics(installation, access);
  },
});
