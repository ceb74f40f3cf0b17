import Type from 'typebox';
import type { FoundFile } from '../../../jobs/catalog/questions.ts';
import { defineCommand } from '../../grammar/command.ts';
import { table } from '../../grammar/output.ts';
import { defaulted } from '../../grammar/parameter.ts';
import { outputFormat, progress } from '../../parameters.ts';
import { bytes, epoch, oneLine } from '../../report/renderers.ts';
import { lookInside, lookInsideRequest } from './parameters.ts';

export default defineCommand({
  summary: 'Find files, directories and archives by name, on all tapes.',
  details:
    "Text is looked for in names; a pattern with '*' and '?' must match a whole name. With slashes, the last part is the " +
    'name and the rest, text or pattern, is looked for in the path. Case counts for nothing.',
  examples: [
    ['catalog search invoice', 'Names that contain a text:'],
    ["catalog search 'etc/*.conf'", 'By pattern, in directories whose path contains etc/:'],
  ],
  positionals: { text: Type.String({ minLength: 1, description: 'Part of a name, or a pattern.' }) },
  options: {
    ...lookInside,
    limit: defaulted(Type.Integer({ minimum: 1, maximum: 1_000_000 }), 1000, {
      description: 'Most names that are found; each may be in many snapshots.',
    }),
    'output-format': outputFormat,
    progress,
  },
  output: table<FoundFile>(
    [
      { name: 'label-text' },
      { name: 'media-set-name' },
      { name: 'store' },
      { name: 'snapshot' },
      { name: 'path', render: oneLine },
      { name: 'size', type: 'integer', render: bytes },
      { name: 'mtime', render: epoch },
    ],
    { sortBy: [] },
  ),
  async run({ text, limit, ...request }, { installation, report }) {
    const { searchCatalog } = await import('../../../jobs/catalog/questions.ts');
    const look = await lookInsideRequest(request);
    return report.work((log) => searchCatalog(installation, { ...look, text, limit }, log));
  },
});
