/**
 * A library with an encrypted media set, made by commands: pool enc on FER001L8, pool plain with the same data on FER002L8, and
 * FER003L8, which is blank. Made once, and put back as it was for each test.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmulatedLibrary, TapeDrive } from '../../ts/native.ts';
import { Installed, type Outcome } from '../cli/run.ts';

export const PASSWORD = 'correct horse';
export const HINT = 'equine';

/** On a disk the folders of the two datastores take minutes to remove. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export class EncryptedSite {
  readonly folder: string;
  /** What the snapshot holds: bytes that do not compress. */
  readonly content = randomBytes(3_000_000);
  readonly site: Installed;
  key = '';
  set = '';

  private constructor(folder: string) {
    this.folder = folder;
    this.site = new Installed(join(folder, 'root'));
  }

  static async make(): Promise<EncryptedSite> {
    const made = new EncryptedSite(mkdtempSync(join(MEMORY, 'ferrite-encrypted-')));
    await made.#fill();
    cpSync(join(made.folder, 'root'), join(made.folder, 'saved'), { recursive: true });
    return made;
  }

  get library(): string {
    return join(this.site.root, 'library');
  }

  async #fill(): Promise<void> {
    const { site, folder } = this;
    mkdirSync(site.root);
    writeFileSync(join(folder, 'image'), this.content);
    await EmulatedLibrary.create(this.library, { slots: 8, importExport: 2, cartridges: 3, tapeBytes: 64 << 20 });
    await site.ok('changer', 'create', 'sl3', '--path', join(this.library, 'changer'));
    await site.ok('drive', 'create', 'drv', '--path', join(this.library, 'drive0'), '--changer', 'sl3');
    for (const store of ['store1', 'target']) await site.ok('datastore', 'create', store, join(folder, store));
    await site.ok('snapshot', 'import', 'store1', 'vm/100', `disk.img:${folder}/image`, '--backup-time', '1717580000');
    const created = await site.type(`${PASSWORD}\n`, 'key', 'create', '--hint', HINT);
    this.key = JSON.parse(created.stdout) as string;
    await site.ok('pool', 'create', 'enc', '--drive', 'drv', '--encrypt', this.key);
    await site.ok('pool', 'create', 'plain', '--drive', 'drv');
    for (const [tape, pool] of [
      ['FER001L8', 'enc'],
      ['FER002L8', 'plain'],
    ] as const) {
      await site.ok('load-media', tape);
      await site.ok('label', '--label-text', tape, '--pool', pool);
      await site.ok('backup', 'store1', pool);
    }
    const media = await site.json<{ pool: string; 'media-set-uuid': string }[]>('media', 'list');
    this.set = media.find(({ pool }) => pool === 'enc')?.['media-set-uuid'] ?? '';
  }

  reset(): void {
    rmSync(this.site.root, { recursive: true });
    cpSync(join(this.folder, 'saved'), this.site.root, { recursive: true });
    rmSync(join(this.folder, 'target', 'vm'), { recursive: true, force: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A command line with its names, split at blanks. */
  run(line: string, input = ''): Promise<Outcome> {
    return this.site.type(input, ...this.named(line).split(' '));
  }

  named(text: string): string {
    return text.replaceAll('KEY', this.key).replaceAll('SET', this.set);
  }

  /** Everything that lies in the file or folder of a cartridge. */
  cartridge(barcode: string): Buffer {
    const path = join(this.library, 'cartridges');
    const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && join(entry.parentPath, entry.name).includes(barcode),
    );
    return Buffer.concat(files.map((entry) => readFileSync(join(entry.parentPath, entry.name))));
  }

  /** Whether a cartridge has a part of a snapshot's content as it is. */
  hasPlainText(barcode: string, content = this.content): boolean {
    const cartridge = this.cartridge(barcode);
    for (let at = 0; at + 32 <= content.length; at += 100_000) {
      if (cartridge.includes(content.subarray(at, at + 32))) return true;
    }
    return false;
  }

  /** What the drive does about encryption now, asked by somebody who only looks. */
  async mode(): Promise<string> {
    const path = join(this.library, 'drive0');
    const drive = await TapeDrive.open({ kind: 'lto', name: 'observer', path, passive: true });
    try {
      return await drive.encryptionMode();
    } finally {
      await drive.close();
    }
  }

  /** Puts other drives into the library: such that leave encryption to it, or such that have none. */
  control(encryption: 'library' | 'none'): void {
    const path = join(this.library, 'library.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as { 'drive-quirks': Record<string, unknown> };
    config['drive-quirks'].encryption = encryption;
    writeFileSync(path, JSON.stringify(config));
  }
}
