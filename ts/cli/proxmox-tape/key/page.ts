import Type from 'typebox';
import type { KeyPageSummary } from '../../../jobs/pages/key_page.ts';
import { formatHumanSize } from '../../../time/human_size.ts';
import { defineCommand } from '../../grammar/command.ts';
import { text } from '../../grammar/output.ts';
import { outputFormat } from '../../parameters.ts';

export default defineCommand({
  summary: 'Write a page that opens, checks and prints a key, without a server.',
  details:
    'One HTML file, to be opened in a browser from wherever it lies: it reads a key file or a paper key, tries a password ' +
    'on it, and prints it. It loads nothing from anywhere, and there is no key in it.',
  examples: [['key page paper-key.html', 'To be kept with the paper keys:']],
  positionals: { file: Type.String({ minLength: 1, description: 'Page to write; an older one is replaced.' }) },
  options: { 'output-format': outputFormat },
  output: text<KeyPageSummary>(({ file, bytes }) => [`${file}: ${formatHumanSize(bytes)}; open it in a browser`]),
  async run(request) {
    const { keyPage } = await import('../../../jobs/pages/key_page.ts');
    return keyPage(request);
  },
});
