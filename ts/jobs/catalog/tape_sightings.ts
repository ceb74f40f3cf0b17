/** What devices and other files know about tapes, beside the inventory: slots, sizes of tape files, names, key hints. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogDatabase } from '../../catalog/database.ts';
import { problemText } from '../../catalog/problem.ts';
import { listChangers } from '../../config/changers.ts';
import { listDrives } from '../../config/drives.ts';
import type { Installation } from '../../config/installation.ts';
import { toFerriteError } from '../../errors.ts';
import { knownKeys } from '../../keys/key_hints.ts';
import { readChangerCache } from '../../library/changers/changer_cache.ts';
import { listSlots } from '../../library/changers/slots.ts';
import { listMedia } from '../media/listing.ts';

/** Completes the rows of tapes and sets; nothing of it is kept. */
export async function describeTapes(
  installation: Installation,
  database: CatalogDatabase,
  warn: (message: string) => void,
): Promise<void> {
  const media = await listMedia(installation, { updateStatus: false }, warn);
  const { connection } = database;
  for (const tape of media) {
    connection.run('UPDATE media SET status = ?, expired = ?, location = ? WHERE uuid = ?', [
      tape.status,
      tape.expired ? 1 : 0,
      tape.location,
      tape.uuid,
    ]);
  }
  connection.run('DELETE FROM media_set');
  const sets = media.flatMap((tape) => {
    const { 'media-set-uuid': uuid, 'media-set-name': name } = tape;
    return uuid === undefined ? [] : [[uuid, name ?? uuid]];
  });
  connection.insertRows('media_set', sets);
  for (const problem of database.problems) {
    connection.run('UPDATE media SET catalog_problem = ? WHERE uuid = ?', [problemText(problem), problem.mediaUuid]);
  }
  connection.run('DELETE FROM encryption_key');
  const keys = [...(await knownKeys(installation))];
  connection.insertRows(
    'encryption_key',
    keys.map(([fingerprint, { hint }]) => [fingerprint, hint ?? null]),
  );
  await describeVirtualTapes(installation, database, warn);
  await describeLibraryTapes(installation, database);
}

/** Tapes of virtual drives are files: their slots, and the sizes of all they hold. */
async function describeVirtualTapes(
  installation: Installation,
  { connection }: CatalogDatabase,
  warn: (message: string) => void,
): Promise<void> {
  for (const drive of await listDrives(installation)) {
    if (drive.type !== 'virtual') continue;
    const slots = await listSlots(drive.path).catch((error) => {
      warn(`drive '${drive.name}': ${toFerriteError(error).message}`);
      return [];
    });
    for (const { slot, labelText } of slots) {
      if (labelText === undefined) continue;
      const location = `online-${drive.name}`;
      connection.run('UPDATE media SET slot = ? WHERE label_text = ? AND location = ?', [slot, labelText, location]);
    }
    const files = connection.rows(
      `SELECT media.uuid, media.label_text, file.file_number FROM media JOIN (
        SELECT media_uuid, file_number FROM archive UNION ALL SELECT media_uuid, file_number FROM snapshot
      ) AS file ON file.media_uuid = media.uuid WHERE media.location = :location`,
      { ':location': `online-${drive.name}` },
    );
    const sizes = await Promise.all(
      files.map(async (file) => {
        const path = join(drive.path, `tapefile-${file.file_number}-${file.label_text}.json`);
        const found = await stat(path).catch(() => undefined);
        return found ? [[String(file.uuid), Number(file.file_number), found.size]] : [];
      }),
    );
    connection.insertRows('tape_file_size', sizes.flat());
  }
}

/** Slots of tapes in libraries, as their changers last reported them; a tape in a drive has the slot that it came from. */
async function describeLibraryTapes(installation: Installation, { connection }: CatalogDatabase): Promise<void> {
  for (const { name } of await listChangers(installation)) {
    const elements = await readChangerCache(installation, name);
    const places = [
      ...(elements?.slots ?? []).map(({ labelText }, index) => [index + 1, labelText] as const),
      ...(elements?.drives ?? []).map(({ labelText, loadedSlot }) => [loadedSlot, labelText] as const),
    ];
    for (const [slot, labelText] of places) {
      if (slot === undefined || !labelText) continue;
      const location = `online-${name}`;
      connection.run('UPDATE media SET slot = ? WHERE label_text = ? AND location = ?', [slot, labelText, location]);
    }
  }
}
