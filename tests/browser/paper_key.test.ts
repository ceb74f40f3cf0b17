/**
 * Paper keys as a printer would print them, on A4 and Letter: one sheet, whose QR code zbar reads, and whose content brings
 * the key back. And the page that makes and checks them, in a browser without a network.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { keyPage } from '../../ts/index.ts';
import { Installed } from '../cli/run.ts';
import { memoryDirectory } from '../temporary_installation.ts';
import { chromiumTest, closeBrowser, openPage, screenshot } from './chromium.ts';

test.after.always(closeBrowser);

const PASSWORD = 'correct horse';
const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

function run(program: string, ...words: string[]): string {
  const { error, status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (error) throw new Error(`${program} is missing: run scripts/install-chromium`, { cause: error });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** Prints a page, and reads the QR code on the paper; throws unless it is one sheet. */
async function printed(t: ExecutionContext, page: Page, format: string): Promise<{ text: string; code: string }> {
  const pdf = join(memoryDirectory(t), `${format}.pdf`);
  await page.pdf({ path: pdf, format });
  t.regex(run('pdfinfo', pdf), /^Pages: +1$/m, `${format} is one sheet`);
  run('pdftoppm', '-r', '150', '-gray', '-png', '-singlefile', pdf, pdf.replace('.pdf', ''));
  const code = run('zbarimg', '--quiet', '--raw', '--oneshot', pdf.replace('.pdf', '.png'));
  return { text: run('pdftotext', '-layout', pdf, '-'), code: code.trimEnd() };
}

interface SiteWithKey {
  site: Installed;
  fingerprint: string;
  root: string;
}

async function siteWithKey(t: ExecutionContext, hint = 'equine'): Promise<SiteWithKey> {
  const root = memoryDirectory(t);
  const site = new Installed(root);
  const { stdout, stderr } = await site.type(`${PASSWORD}\n`, 'key', 'create', '--hint', hint);
  if (stdout === '') throw new Error(stderr);
  return { site, root, fingerprint: JSON.parse(stdout) as string };
}

for (const [name, hint, subject] of [
  ['a short subject', 'equine', 'Tapes & <more>'],
  ['a long one', 'a'.repeat(32), `The tapes of the company ${'and of all its daughters '.repeat(7)}`],
] as const) {
  chromiumTest(`key paperkey: one sheet of A4 and Letter, ${name}`, async (t) => {
    const { site, root, fingerprint } = await siteWithKey(t, hint);
    const html = join(root, 'paper.html');
    writeFileSync(html, await site.ok('key', 'paperkey', fingerprint, '--subject', subject));
    const { page, errors, requests } = await openPage(t, html);
    for (const format of ['A4', 'Letter']) {
      const { text, code } = await printed(t, page, format);
      t.true(text.includes('-----BEGIN PROXMOX BACKUP KEY-----'));
      t.true(text.includes(subject.slice(0, 14)), 'the subject is text, not markup');
      t.is((JSON.parse(code) as { fingerprint: string }).fingerprint, fingerprint);
      writeFileSync(join(root, 'scanned'), code);
    }
    t.deepEqual([errors, requests.filter((url) => !url.startsWith('data:'))], [[], []]);
    await site.ok('key', 'remove', fingerprint);
    const back = await site.type(`${PASSWORD}\n`, 'key', 'import', join(root, 'scanned'));
    t.is(back.stdout, `"${fingerprint}"\n`, back.stderr);
  });
}

/** The page, ready, with the key file that PBS would have. */
async function openKeyPage(t: ExecutionContext) {
  const place = await siteWithKey(t);
  const file = join(place.root, 'page.html');
  await keyPage({ file });
  const stored = JSON.parse(
    readFileSync(join(place.root, 'etc/proxmox-backup/tape-encryption-key-config.json'), 'utf8'),
  ) as object[];
  const key = JSON.stringify(stored[0]);
  writeFileSync(join(place.root, 'key.json'), key);
  const watched = await openPage(t, file, { offline: true });
  await watched.page.waitForSelector('html[data-ready]');
  return { ...place, ...watched, key };
}

chromiumTest('the page opens a key file, tries passwords on it, and prints it', async (t) => {
  const { page, root, fingerprint, errors, requests, site } = await openKeyPage(t);
  await page.setInputFiles('#file', join(root, 'key.json'));
  await page.waitForSelector('#paper img');
  t.true((await page.textContent('#facts'))?.includes(fingerprint));

  const attempt = async (password: string) => {
    await page.fill('#password', password);
    await page.click('#try');
    await page.waitForSelector('#verdict.good, #verdict.bad');
    t.is(await page.inputValue('#password'), '');
    return page.textContent('#verdict');
  };
  t.regex((await attempt('wrong horse')) ?? '', /wrong password .*equine/);
  await page.evaluate("document.getElementById('verdict').className = ''");
  t.is(await attempt(PASSWORD), `The password opens key ${fingerprint}.`);

  await page.fill('#subject', 'Vault <2>');
  await screenshot(page, 'paper-key');
  for (const format of ['A4', 'Letter']) {
    const { text, code } = await printed(t, page, format);
    t.true(text.includes('Subject: Vault <2>'));
    t.false(text.includes('Check a password'), 'only the key is printed');
    writeFileSync(join(root, 'scanned'), code);
  }
  for (const id of ['save-page', 'save-text']) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(`#${id}`)]);
    await download.saveAs(join(root, id));
  }
  for (const name of ['scanned', 'save-page', 'save-text']) {
    await site.ok('key', 'remove', fingerprint);
    const back = await site.type(`${PASSWORD}\n`, 'key', 'import', join(root, name));
    t.is(back.stdout, `"${fingerprint}"\n`, `${name}: ${back.stderr}`);
  }
  t.deepEqual([errors, requests.filter((url) => !url.startsWith('data:'))], [[], []]);
});

chromiumTest('the page reads what was typed, and says what is no key', async (t) => {
  const { page, key, fingerprint, errors } = await openKeyPage(t);
  const read = async (text: string) => {
    await page.fill('#typed', text);
    await page.click('#read');
    return (await page.textContent('#status')) ?? '';
  };
  t.regex(await read('nothing of the kind'), /no key found/);
  t.regex(await read(key.replace('"n":65536', '"n":1099511627776')), /no key that can be read/);
  t.true(await page.isHidden('#paper'));
  const lines = key.match(/.{1,60}/g)?.join('\n') ?? '';
  t.regex(await read(`> ${lines.replaceAll('\n', '\n> ')}`), /The key was read/);
  t.true((await page.textContent('#facts'))?.includes(fingerprint));
  t.true(await page.isVisible('#paper img'));
  t.deepEqual(errors, []);
  await page.evaluate(readFileSync(axeSource, 'utf8'));
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  t.deepEqual(
    serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    [],
  );
});

chromiumTest('a key without password is neither printed nor checked', async (t) => {
  const { page } = await openKeyPage(t);
  const plain = {
    kdf: null,
    created: '2024-05-01T12:00:00+00:00',
    modified: '2024-05-01T12:00:00+00:00',
    data: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
  };
  await page.fill('#typed', JSON.stringify(plain));
  await page.click('#read');
  t.regex((await page.textContent('#status')) ?? '', /has no password/);
  for (const id of ['#paper', '#check-step', '#print-step']) t.true(await page.isHidden(id), id);
});
