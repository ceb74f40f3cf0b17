/** The offline page, used as people use it, in a real browser. */
import { ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { AxeResults } from 'axe-core';
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { catalogPage } from '../../ts/index.ts';
import { parseRestoreList } from '../../ts/jobs/restore/list.ts';
import { companySets, sampleCatalog } from '../catalog/sample_catalog.ts';
import { fixturePath, fixtureTest } from '../fixtures.ts';
import { temporaryDirectory } from '../temporary_installation.ts';
import { chromiumTest, closeBrowser, openPage, screenshot, type Watched } from './chromium.ts';

test.after.always(closeBrowser);

const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
let company: Promise<Uint8Array> | undefined;

interface Opened extends Watched {
  folder: string;
}

/** The page, with the company's catalog in it unless told otherwise. */
async function openCatalogPage(
  t: ExecutionContext,
  { embed = true, ...options }: BrowserContextOptions & { embed?: boolean } = {},
): Promise<Opened> {
  const folder = temporaryDirectory(t);
  company ??= sampleCatalog(companySets());
  const database = join(folder, 'company.sqlite');
  writeFileSync(database, await company);
  const file = join(folder, 'page.html');
  await catalogPage({ file, ...(embed && { embed: database }) });
  const watched = await openPage(t, file, options);
  if (embed) await watched.page.waitForSelector('.cartridge');
  return { ...watched, folder };
}

/** Neither an error, nor anything asked of a network. */
function assertQuiet(t: ExecutionContext, { errors, requests }: Watched): void {
  t.deepEqual(errors, []);
  t.deepEqual(requests, []);
}

async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(axeSource, 'utf8'));
  const found = (await page.evaluate('axe.run()')) as AxeResults;
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html }) => html)
          .slice(0, 3)
          .join(' ')}`,
    );
}

const textOf = async (locator: Locator): Promise<string> => (await locator.textContent()) ?? '';

const setFiles = (page: Page, ...files: string[]) => page.setInputFiles('#file', files);

chromiumTest('tapes stand on their shelf, and everything is a click away', async (t) => {
  const opened = await openCatalogPage(t);
  const { page } = opened;
  await screenshot(page, '1-tapes');
  t.deepEqual(await page.locator('.pool h2').allTextContents(), ['daily', 'offsite']);
  t.is(await page.locator('.cartridge').count(), 7);
  await page.getByRole('link', { name: 'offsite 2024-Q2' }).click();
  await page.waitForSelector('.picture svg');
  t.true((await textOf(page.locator('main'))).includes('the blue notebook'));
  await screenshot(page, '2-media-set');
  await page.locator('.cartridge').first().click();
  await page.getByRole('heading', { name: 'If this tape were lost' }).waitFor();
  t.regex(await textOf(page.locator('main')), /Without this tape, \d+ snapshots of its media set cannot be restored/);
  await screenshot(page, '3-tape');
  await page.goBack();
  await page.getByRole('heading', { name: 'offsite 2024-Q2' }).waitFor();
  assertQuiet(t, opened);
});

chromiumTest('a file is found while it is typed, and its directory, tape and snapshots are shown', async (t) => {
  const opened = await openCatalogPage(t);
  const { page } = opened;
  await page.keyboard.press('/');
  await page.keyboard.type('invoice-2024-0');
  await page.getByRole('heading', { name: 'Search' }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 9);
  t.is(await page.locator('#search').inputValue(), 'invoice-2024-0', 'typing goes on while results come');
  await screenshot(page, '4-search');
  await page.getByRole('link', { name: 'invoice-2024-03.pdf' }).click();
  await page.getByRole('navigation', { name: 'Path' }).waitFor();
  t.deepEqual((await page.locator('nav[aria-label=Path] li').allTextContents()).slice(0, -1), [
    'Files',
    'root.pxar.didx',
    'home',
    'anna',
    'invoices',
  ]);
  t.regex(await textOf(page.locator('tr.sought')), /^invoice-2024-03\.pdf/);
  t.regex(await textOf(page.locator('main .notice')), /^Here is invoice-2024-03\.pdf, 83\.0 KB, changed /);
  t.regex(await textOf(page.locator('aside')), /DAY004L8[\s\S]*lib1, slot 9/);
  await screenshot(page, '5-files');
  await page.locator('nav[aria-label=Path] a', { hasText: 'root.pxar.didx' }).click();
  await page.getByRole('link', { name: 'etc' }).waitFor();
  t.deepEqual(await page.locator('tbody .entry bdi').allTextContents(), ['etc', 'home', 'srv', 'usr']);
  assertQuiet(t, opened);
});

chromiumTest('a restore list is put together and saved', async (t) => {
  const opened = await openCatalogPage(t);
  const { page } = opened;
  await page.getByRole('link', { name: 'Snapshots' }).first().click();
  await page.getByRole('searchbox', { name: 'Filter snapshots' }).fill('host/www/2024-05-2');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length > 3);
  await screenshot(page, '6-snapshots');
  const rows = page.locator('tbody tr', { hasText: 'daily 2024-05' });
  await rows.nth(0).getByRole('checkbox').check();
  await rows.nth(1).getByRole('checkbox').check();
  await page.getByRole('link', { name: 'Restore list' }).click();
  await page.getByRole('button', { name: 'Save restore list' }).waitFor();
  await screenshot(page, '7-restore-list');
  t.regex(await textOf(page.locator('aside')), /1 tape needed[\s\S]*DAY003L8[\s\S]*lib1, slot 7/);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save restore list' }).click(),
  ]);
  const path = join(opened.folder, 'list.json');
  await download.saveAs(path);
  const list = parseRestoreList(path, readFileSync(path, 'utf8'));
  t.is(list.snapshots.length, 2);
  t.true(list.snapshots.every((snapshot) => snapshot.startsWith('tank:host/www/2024-05-2')));
  t.true((await textOf(page.locator('.command'))).includes(list.mediaSet));
  assertQuiet(t, opened);
});

chromiumTest('names that mean harm are shown, and do nothing', async (t) => {
  const opened = await openCatalogPage(t);
  const { page } = opened;
  page.on('dialog', (dialog) => t.fail(`a name opened a dialog: ${dialog.message()}`));
  await page.fill('#search', 'gpj.exe');
  await page.getByRole('link', { name: 'gpj.exe' }).first().click();
  await page.getByRole('navigation', { name: 'Path' }).waitFor();
  const names = await page.locator('tbody .entry bdi').allTextContents();
  t.true(names.includes('<img src=x onerror=alert(1)>.jpg'));
  t.true(names.includes('<script>alert(1)</script>'));
  t.true(names.includes('invoice‹U+202E›gpj.exe'));
  t.true(names.includes('line‹U+000A›break‹U+0009›and‹U+001B›[31mcolour'));
  t.true(names.includes('zero‹U+200B›width'));
  t.true(names.some((name) => name.startsWith('longlong') && name.length < 500));
  t.true(names.includes('مرحبا.txt'));
  await screenshot(page, '8-hostile-names');
  t.true(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing sticks out');
  for (const text of ["'; DROP", '%_*?"', '<img', '%', '_', '\\', '*']) {
    await page.fill('#search', text);
    await page.getByRole('heading', { name: 'Search' }).waitFor();
  }
  await page.fill('#search', 'passwd');
  await page.getByRole('link', { name: 'passwd' }).first().waitFor();
  assertQuiet(t, opened);
});

chromiumTest('files that are no catalogs are refused in words, and the page lives on', async (t) => {
  const opened = await openCatalogPage(t, { embed: false });
  const { page, folder } = opened;
  await screenshot(page, '0-start');
  const damaged = Buffer.from(await (company as Promise<Uint8Array>));
  for (let at = 4096; at < damaged.length; at += 977) damaged[at] = 0x5a;
  const newer = Buffer.from(await (company as Promise<Uint8Array>));
  newer.writeUInt32BE(99, 60); // user_version
  const files: [string, Buffer | undefined, RegExp][] = [
    ['letter.txt', Buffer.from('Dear Sir or Madam'), /no SQLite file/],
    ['empty.sqlite', Buffer.alloc(0), /no SQLite file/],
    ['cut.sqlite', Buffer.from(await (company as Promise<Uint8Array>)).subarray(0, 20_000), /damaged|malformed/],
    ['flipped.sqlite', damaged, /damaged|malformed|no catalog/],
    ['newer.sqlite', newer, /newer Ferrite/],
  ];
  for (const [name, bytes, message] of files) {
    writeFileSync(join(folder, name), bytes ?? '');
    await setFiles(page, join(folder, name));
    await page.waitForFunction(
      ([text]) =>
        document.getElementById('status')?.className === 'bad' &&
        document.getElementById('status')?.textContent?.startsWith(text ?? ''),
      [name],
    );
    t.regex(await textOf(page.locator('#status')), message);
  }
  const large = join(folder, 'large.sqlite');
  const handle = openSync(large, 'w');
  writeSync(handle, 'SQLite format 3\0');
  ftruncateSync(handle, 3 * 2 ** 30);
  await setFiles(page, large);
  await page.waitForFunction(() => document.getElementById('status')?.textContent?.startsWith('large.sqlite'));
  t.regex(await textOf(page.locator('#status')), /3\.2 GB, more than fits into memory/);
  await setFiles(page, join(folder, 'company.sqlite'));
  await page.waitForSelector('.cartridge');
  await setFiles(page, join(folder, 'letter.txt'));
  await page.waitForFunction(() => document.getElementById('status')?.className === 'bad');
  t.is(await page.locator('.cartridge').count(), 7, 'what was open stays open');
  assertQuiet(t, opened);
});

chromiumTest('dark and light, on a phone, and without a finding of axe', async (t) => {
  const views = ['#/tapes', '#/snapshots//', '#/search/conf', '#/restore', '#/tape-file', '#/labels'];
  for (const [colorScheme, width, height] of [
    ['light', 1360, 860],
    ['dark', 390, 844],
  ] as const) {
    const opened = await openCatalogPage(t, { colorScheme, viewport: { width, height } });
    const { page } = opened;
    const set = await page.locator('.set h3 a').first().getAttribute('href');
    const tape = await page.locator('.cartridge').first().getAttribute('href');
    await page.evaluate('location.hash = "#/search/invoice"');
    const file = await page.locator('tbody tr a').first().getAttribute('href');
    for (const view of [...views, set, tape, file]) {
      await page.evaluate((hash) => {
        location.hash = hash ?? '';
      }, view);
      await page.waitForFunction(() => document.querySelector('main h1') !== null);
      await page.waitForTimeout(120);
      t.deepEqual(await seriousFindings(page), [], `${view} ${colorScheme} ${width}`);
      const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      t.true(Number(wide) <= 0, `${view} sticks out by ${wide} on ${width}`);
      const name = String(view)
        .replaceAll(/[^a-z-]/g, '')
        .slice(0, 12);
      if (colorScheme === 'dark') await screenshot(page, `9-phone-${name}`);
    }
    if (colorScheme === 'light') {
      await page.emulateMedia({ colorScheme: 'dark' });
      await screenshot(page, '9-dark-files');
      t.deepEqual(await seriousFindings(page), [], 'dark');
    }
    assertQuiet(t, opened);
  }
});

chromiumTest('everything can be reached with the keyboard', async (t) => {
  const opened = await openCatalogPage(t);
  const { page } = opened;
  await page.keyboard.press('/');
  await page.keyboard.type('thesis');
  await page.getByRole('link', { name: 'thesis.odt' }).first().waitFor();
  await page.keyboard.press('ArrowDown');
  t.is(await page.evaluate('document.activeElement.textContent'), 'thesis.odt');
  await page.keyboard.press('Enter');
  await page.getByRole('navigation', { name: 'Path' }).waitFor();
  await page.getByRole('link', { name: 'invoices' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('invoice-2024-01.pdf').waitFor();
  await page.locator('nav[aria-label=Path] a').last().focus();
  await page.goBack();
  await page.getByRole('link', { name: 'invoices' }).focus();
  await page.keyboard.press('Backspace');
  await page.getByRole('link', { name: 'anna' }).waitFor();
  await page.getByRole('link', { name: 'anna' }).focus();
  await page.keyboard.press('Tab');
  t.truthy(await page.evaluate('document.activeElement !== document.body'));
  assertQuiet(t, opened);
});

if (process.env.FERRITE_FIXTURES || fixtureTest === test) {
  chromiumTest('tape files of PBS are told what they hold', async (t) => {
    const opened = await openCatalogPage(t, { embed: false });
    const { page, folder } = opened;
    const tapes = [0, 1, 2, 3, 4].map((number) => fixturePath('small', 'tapes', `tapefile-${number}-TAPE01.json`));
    const cut = join(folder, 'cut.json');
    writeFileSync(cut, readFileSync(tapes[2] ?? '').subarray(0, 262_144 + 1000));
    await setFiles(page, ...tapes, cut);
    await page.waitForFunction(() => document.querySelectorAll('.facts').length === 5);
    const text = await textOf(page.locator('main'));
    for (const part of [
      'media label',
      'TAPE01',
      'media-set label',
      'chunk archive',
      'snapshot archive',
      'index.json.blob',
      'cannot be read as a tape file',
    ]) {
      t.true(text.includes(part), part);
    }
    await screenshot(page, '10-tape-files');
    t.deepEqual(await seriousFindings(page), []);
    assertQuiet(t, opened);
  });
}
