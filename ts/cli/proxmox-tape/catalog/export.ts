import Type from 'typebox';
import type { CatalogExportSummary } from '../../../jobs/catalog/questions.ts';
import { formatHumanSize } from '../../../time/human_size.ts';
import { defineCommand } from '../../grammar/command.ts';
import { text } from '../../grammar/output.ts';
import { outputFormat, progress } from '../../parameters.ts';
import { lookInside, lookInsideRequest, scope, scopeRequest } from './parameters.ts';

export default defineCommand({
  summary: 'Write what is known about tapes, snapshots and files to one SQLite file.',
  details:
    'The file can be asked with any SQLite, with the page of `catalog page`, and by programs (`ferrite-tape/catalog`). It ' +
    'holds names, sizes and times; no content and no keys.',
  examples: [
    ['catalog export archive.sqlite', 'Everything:'],
    ['catalog export daily.sqlite --pool daily --since "8 weeks"', 'The last weeks of one pool:'],
  ],
  positionals: { file: Type.String({ minLength: 1, description: 'File to write; an older export is replaced.' }) },
  options: { ...scope, ...lookInside, 'output-format': outputFormat, progress },
  output: text<CatalogExportSummary>(({ file, bytes, tapes, snapshots, entries }) => [
    `${file}: ${tapes} tapes, ${snapshots} snapshots, ${entries} files and directories, ${formatHumanSize(bytes)}`,
  ]),
  async run({ file, ...request }, { installation, report }) {
    const { exportCatalog } = await import('../../../jobs/catalog/questions.ts');
    const parameters = { file, ...scopeRequest(installation, request), ...(await lookInsideRequest(request)) };
    return report.work((log) => exportCatalog(installation, parameters, log));
  },
});
