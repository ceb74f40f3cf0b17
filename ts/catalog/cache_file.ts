/**
 * The file that a catalog database is kept in. It is derived, so one that is damaged or foreign is set aside and built
 * again, and one that cannot be written costs time, not answers.
 */
import { readFile, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ensureDirectory, type Installation } from '../config/installation.ts';
import { replaceFile } from '../config/replace_file.ts';
import { type FerriteError, toFerriteError } from '../errors.ts';
import { CatalogConnection, checkSize } from './connection.ts';
import { sqlEngine } from './engine.ts';

export class CacheFile {
  readonly path: string;
  readonly #installation: Installation;
  /** False: a newer Ferrite wrote what is there. */
  #replaceable = true;
  /** What became of the file that was there; a person should know, because file lists may be missing now. */
  notice: string | undefined;

  constructor(installation: Installation, name: string) {
    this.#installation = installation;
    this.path = join(installation.paths.cacheDir, name);
  }

  /** An empty database where there is none, or none that can be used. */
  async open(): Promise<CatalogConnection> {
    const engine = await sqlEngine();
    try {
      const { size } = await stat(this.path);
      checkSize(size);
      if (size > 0) return CatalogConnection.open(engine, await readFile(this.path));
    } catch (error) {
      await this.#dismiss(toFerriteError(error));
    }
    return CatalogConnection.create(engine);
  }

  async #dismiss(error: FerriteError): Promise<void> {
    if (error.code === 'newer-schema') {
      this.#replaceable = false;
      this.notice = `${this.path} is left alone and not used: ${error.message}`;
    } else if (error.kind !== 'system') {
      await this.setAside(error);
    }
  }

  /** Out of the way, but not gone: it may hold lists of files that nothing else has. */
  async setAside(error: FerriteError): Promise<void> {
    const aside = `${this.path}.damaged`;
    await rename(this.path, aside).catch(() => undefined);
    this.notice =
      `${this.path} could not be used and is now ${basename(aside)}: ${error.message}. It is built again; files of ` +
      "snapshots that no datastore has any more are listed by 'proxmox-tape catalog --files', tape by tape";
  }

  async write(connection: CatalogConnection): Promise<void> {
    if (!this.#replaceable) return;
    const installation = this.#installation;
    try {
      await ensureDirectory(installation, installation.paths.cacheDir);
      await replaceFile(installation, this.path, connection.export(), { mode: 0o640, owner: installation.owner });
    } catch (error) {
      // E.g. a reader without write permission.
      if (toFerriteError(error).kind !== 'system') throw error;
    }
  }
}
