/** Which modules a Node program loads, seen by a loader hook. */
import { spawn } from 'node:child_process';

const HOOKS = `export async function load(url, context, nextLoad) {
  process.stderr.write('LOADED ' + url + '\\n');
  return nextLoad(url, context);
}`;
const REGISTER = `import { register } from 'node:module';
register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(HOOKS))});`;

export function loaded(main: string, words: readonly string[]): Promise<string[]> {
  const child = spawn(process.execPath, [
    '--import',
    `data:text/javascript,${encodeURIComponent(REGISTER)}`,
    main,
    ...words,
  ]);
  let stderr = '';
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve([...stderr.matchAll(/^LOADED (.*)$/gm)].map(([, url = '']) => url)));
  });
}
