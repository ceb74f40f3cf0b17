/**
 * One page as one file: style, script and binaries inside, and a content security policy that allows nothing else. A name
 * from a tape that got into the markup after all could neither run nor load anything.
 */
import { createHash } from 'node:crypto';
import { DATA_MARKER, embeddedElement } from '../../ts/jobs/pages/page_file.ts';

export interface PageParts {
  title: string;
  /** What is in the body. */
  markup: string;
  style: string;
  script: string;
  /** By name, for `embeddedBytes`. */
  embedded: Readonly<Record<string, Uint8Array>>;
}

export async function assemblePage({ title, markup, style, script, embedded }: PageParts): Promise<string> {
  // In a script element only this could end it early.
  const code = script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
  const policy = [
    "default-src 'none'",
    // WebAssembly, in the page and in its worker, which inherits the policy.
    `script-src '${hashOf(code)}' 'wasm-unsafe-eval'`,
    `style-src '${hashOf(style)}'`,
    'worker-src blob:',
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const data = await Promise.all(Object.entries(embedded).map(([name, bytes]) => embeddedElement(name, bytes)));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
${markup}
${data.join('\n')}
${DATA_MARKER}
<script>${code}</script>
</body>
</html>
`;
}

const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
