/**
 * Scans and photos of a printed paper key, taken in again by `key import`: the page as Chromium prints it, rasterised as a
 * scanner would, then turned, dirtied, seen from the side and compressed by Chromium.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Installed } from '../cli/run.ts';
import { memoryDirectory } from '../temporary_installation.ts';
import { chromiumTest, closeBrowser, openPage } from './chromium.ts';

test.after.always(closeBrowser);

const PASSWORD = 'correct horse';

function run(program: string, ...words: string[]): void {
  const { error, status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (error) throw new Error(`${program} is missing: run scripts/install-chromium`, { cause: error });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr}`);
}

/** A key on paper, as a PDF file, and gone from the store. */
class PrintedKey {
  readonly root: string;
  readonly site: Installed;
  readonly fingerprint: string;

  private constructor(site: Installed, fingerprint: string) {
    this.site = site;
    this.root = site.root;
    this.fingerprint = fingerprint;
  }

  static async print(t: ExecutionContext, kdf: string): Promise<PrintedKey> {
    const site = new Installed(memoryDirectory(t));
    const made = await site.type(`${PASSWORD}\n`, 'key', 'create', '--hint', 'equine', '--kdf', kdf);
    const printed = new PrintedKey(site, JSON.parse(made.stdout) as string);
    writeFileSync(printed.path('paper.html'), await site.ok('key', 'paperkey', printed.fingerprint));
    const { page } = await openPage(t, printed.path('paper.html'));
    await page.pdf({ path: printed.path('paper.pdf'), format: 'A4' });
    await site.ok('key', 'remove', printed.fingerprint);
    return printed;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** A file as a scanner makes it: `scan.png`, or `scan.jpg` with the option -jpeg. */
  scan(dpi: number, ...options: string[]): void {
    run('pdftoppm', '-r', String(dpi), '-singlefile', ...options, this.path('paper.pdf'), this.path('scan'));
  }

  /** A screenshot of `scan.png` below a style, with noise over it: PNG or JPEG by its name. */
  async photograph(t: ExecutionContext, name: string, style: string, noise = 0): Promise<void> {
    const html = this.path(`${name}.html`);
    writeFileSync(
      html,
      `<body style="margin:0;background:#bbb;overflow:hidden"><img src="scan.png" style="width:900px;${style}">
       <svg style="position:fixed;inset:0;opacity:${noise}" width="100%" height="100%"><filter id="noise">
       <feTurbulence type="fractalNoise" baseFrequency="0.9" numOctaves="2"/></filter>
       <rect width="100%" height="100%" filter="url(#noise)"/></svg></body>`,
    );
    const { page } = await openPage(t, html, { viewport: { width: 1100, height: 1400 } });
    const isJpeg = name.endsWith('.jpg');
    await page.screenshot({ path: this.path(name), ...(isJpeg && { type: 'jpeg' as const, quality: 55 }) });
  }

  async comesBack(t: ExecutionContext, name: string): Promise<void> {
    const { stdout, stderr } = await this.site.type(`${PASSWORD}\n`, 'key', 'import', this.path(name));
    t.is(stdout, `"${this.fingerprint}"\n`, `${name}: ${stderr}`);
    await this.site.ok('key', 'remove', this.fingerprint);
  }

  async isRefused(t: ExecutionContext, name: string, said: RegExp): Promise<void> {
    const { code, stdout, stderr } = await this.site.type('', 'key', 'import', this.path(name));
    t.deepEqual([code, stdout], [255, ''], name);
    t.regex(stderr, said, name);
    t.true(stderr.startsWith(`Error: ${this.path(name)}: `), stderr);
  }
}

chromiumTest('flat scans: grey and colour, PNG and JPEG, 150 to 300 dpi', async (t) => {
  const printed = await PrintedKey.print(t, 'scrypt');
  for (const [dpi, ...options] of [
    [150, '-gray', '-png'],
    [200, '-png'],
    [300, '-mono', '-png'],
  ] as const) {
    printed.scan(dpi, ...options);
    await printed.comesBack(t, 'scan.png');
  }
  printed.scan(300, '-gray', '-jpeg');
  await printed.comesBack(t, 'scan.jpg');
});

chromiumTest('what is turned, dirty, dim, or seen from the side', async (t) => {
  const printed = await PrintedKey.print(t, 'pbkdf2');
  printed.scan(200, '-gray', '-png');
  for (const [name, style, noise] of [
    ['turned.png', 'transform:rotate(-7deg)', 0],
    ['dirty.jpg', 'transform:rotate(3deg)', 0.35],
    ['upside-down.jpg', 'transform:rotate(184deg)', 0.2],
    ['aside.jpg', 'transform:perspective(1500px) rotateY(18deg) rotateZ(4deg)', 0.2],
    ['dim.jpg', 'filter:brightness(.5) contrast(.6) blur(.8px);transform:rotate(12deg)', 0.1],
  ] as const) {
    await printed.photograph(t, name, style, noise);
    await printed.comesBack(t, name);
  }
});

chromiumTest('pictures that are no paper key say what to do', async (t) => {
  const printed = await PrintedKey.print(t, 'pbkdf2');
  printed.scan(150, '-gray', '-png');
  await printed.photograph(t, 'upper-half.png', 'clip-path:inset(0 0 60% 0)');
  await printed.isRefused(t, 'upper-half.png', /no QR code was found in the picture.*Scan the paper flat.*or type/);
  await printed.photograph(t, 'blurred.png', 'filter:blur(6px)');
  await printed.isRefused(t, 'blurred.png', /the QR code|no QR code/);
  await printed.isRefused(t, 'paper.pdf', /PDF files are not read: save .* PNG or JPEG .*pdftoppm -r 200 -gray -png/);
  writeFileSync(printed.path('cut.png'), Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
  await printed.isRefused(t, 'cut.png', /the PNG picture is damaged/);
  printed.scan(900, '-gray', '-png');
  await printed.isRefused(t, 'scan.png', /pixels, more than 40000000: scan the paper again with 200 to 300 dpi/);
  rmSync(printed.path('scan.png'));
});
