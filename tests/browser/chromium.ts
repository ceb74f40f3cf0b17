/**
 * Pages in a real browser: Debian's Chromium through playwright-core, from file://. Where it is missing the tests are
 * skipped, unless FERRITE_REQUIRE names `chromium`; scripts/install-chromium installs it. Screenshots are kept in
 * artefacts/pages.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const executablePath = process.env.FERRITE_CHROMIUM || '/usr/bin/chromium';
const present = existsSync(executablePath);
const required = (process.env.FERRITE_REQUIRE ?? '').split(',').includes('chromium');

if (!present && !required)
  process.stderr.write(`SKIP chromium: ${executablePath} is missing (scripts/install-chromium)\n`);

/** `test.serial`, or `test.skip` where there is no browser. Serial: they share the machine's two cores. */
export const chromiumTest: TestFn | TestFn['skip'] = present || required ? (anyTest.serial as TestFn) : anyTest.skip;

const checkout = resolve(import.meta.dirname, '..', '..', '..');
const pictures = join(checkout, 'artefacts', 'pages');

let browser: Promise<Browser> | undefined;

function launch(): Promise<Browser> {
  // Without a sandbox, because tests run as root in containers; the pages are our own.
  browser ??= chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  return browser;
}

/** To be called by `test.after.always`. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
}

/** What a page did that it must not do. */
export interface Watched {
  page: Page;
  /** Errors of the console and of scripts; violations of the content security policy are among them. */
  errors: string[];
  /** Addresses that were asked for, but for the file itself. */
  requests: string[];
}

/** Opens a page from file://, in a context of its own. */
export async function openPage(
  t: ExecutionContext,
  file: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await (await launch()).newContext({ viewport: { width: 1360, height: 860 }, ...options });
  t.teardown(() => context.close());
  const page = await context.newPage();
  const watched: Watched = { page, errors: [], requests: [] };
  page.on('console', (message) => {
    if (message.type() === 'error') watched.errors.push(message.text());
  });
  page.on('pageerror', (error) => watched.errors.push(String(error)));
  const address = pathToFileURL(file).href;
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith('blob:')) watched.requests.push(url);
  });
  await page.goto(address);
  return watched;
}

export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}
