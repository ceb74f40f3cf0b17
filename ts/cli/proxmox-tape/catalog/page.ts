import Type from 'typebox';
import type { CatalogPageSummary } from '../../../jobs/pages/catalog_page.ts';
import { formatHumanSize } from '../../../time/human_size.ts';
import { defineCommand } from '../../grammar/command.ts';
import { text } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';

export default defineCommand({
  summary: 'Write a page that browses and searches an exported catalog, without a server.',
  details:
    'One HTML file, to be opened in a browser from wherever it lies. It loads nothing from anywhere. An export is dropped ' +
    'on it or, with --embed, stands in it.',
  examples: [
    ['catalog page tapes.html', 'For any export:'],
    ['catalog page tapes.html --embed archive.sqlite', 'With an export inside, to be kept with the tapes:'],
  ],
  positionals: { file: Type.String({ minLength: 1, description: 'Page to write; an older one is replaced.' }) },
  options: {
    embed: Type.Optional(Type.String({ minLength: 1, description: 'What `catalog export` wrote.' })),
    'output-format': outputFormat,
  },
  output: text<CatalogPageSummary>(({ file, bytes }) => [`${file}: ${formatHumanSize(bytes)}; open it in a browser`]),
  async run(request) {
    const { catalogPage } = await import('../../../jobs/pages/catalog_page.ts');
    return catalogPage(request);
  },
});
