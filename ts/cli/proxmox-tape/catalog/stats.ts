import type { CatalogStatistics } from '../../../catalog/statistics.ts';
import { defineCommand } from '../../grammar/command.ts';
import { record } from '../../grammar/output.ts';
import { outputFormat, progress } from '../../parameters.ts';
import { lookInside, lookInsideRequest } from './parameters.ts';

export default defineCommand({
  summary: 'Count what the catalog knows.',
  examples: [['catalog stats', 'Tapes, snapshots, chunks and files:']],
  positionals: {},
  options: { ...lookInside, 'output-format': outputFormat, progress },
  output: record<CatalogStatistics>([
    { name: 'pools', type: 'integer' },
    { name: 'media-sets', type: 'integer' },
    { name: 'tapes', type: 'integer' },
    { name: 'snapshots', type: 'integer' },
    { name: 'snapshot-archives', type: 'integer' },
    { name: 'chunk-archives', type: 'integer' },
    { name: 'chunks', type: 'integer' },
    { name: 'listed-snapshots', type: 'integer' },
    { name: 'encrypted-snapshots', type: 'integer' },
    { name: 'unlisted-snapshots', type: 'integer' },
    { name: 'directories', type: 'integer' },
    { name: 'entries', type: 'integer' },
    { name: 'files', type: 'integer' },
  ]),
  async run(request, { installation, report }) {
    const { catalogStats } = await import('../../../jobs/catalog/questions.ts');
    const look = await lookInsideRequest(request);
    return report.work((log) => catalogStats(installation, look, log));
  },
});
