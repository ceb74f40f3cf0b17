/** Tapes that PBS wrote, from nothing but the tapes: inventory, catalogs, content, and a full restore. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { addDrive } from '../../ts/config/drives.ts';
import type { Installation } from '../../ts/config/installation.ts';
import {
  createDatastore,
  loadMedia,
  mediaContent,
  restore,
  restoreCatalog,
  updateInventory,
  verifySnapshots,
} from '../../ts/index.ts';
import { InventoryFile } from '../../ts/media/inventory_file.ts';
import { withoutPadding } from '../catalog_padding.ts';
import { copyFixture, type FixtureName, fixturePath, fixtureTest, readFixture } from '../fixtures.ts';
import { foundChunks, loadBlobDecoder, type StoreListing, snapshotDifferences } from '../pbs_listing.ts';
import { RecordingObserver, settled } from '../recording_observer.ts';
import { memoryDirectory, temporaryInstallation } from '../temporary_installation.ts';

const SETS: Record<FixtureName, { mediaSet: string; tapes: string[]; listing: string; store: string }> = {
  small: {
    mediaSet: 'a2b6f668-365c-40ab-8296-8d3fb22ab8b4',
    tapes: ['TAPE01', 'TAPE02', 'TAPE03'],
    listing: 'store1.listing.json',
    store: 'store1',
  },
  append: {
    mediaSet: '62b97f82-563e-4a21-8644-ddb08f5c236d',
    tapes: ['TAPE01', 'TAPE02', 'TAPE03'],
    listing: 'store1.listing.json',
    store: 'store1',
  },
  incomplete: {
    mediaSet: 'd8c19f44-d2df-4566-b3d0-64bee8bdfcad',
    tapes: ['INC001', 'INC002'],
    listing: 'sparse.listing.json',
    store: 'sparse',
  },
};

test.before(loadBlobDecoder);

/** An installation that has PBS's tapes and knows nothing yet. */
async function installationWithTapes(t: ExecutionContext, name: FixtureName): Promise<Installation> {
  const installation = temporaryInstallation(t, { root: memoryDirectory(t) });
  await addDrive(installation, { type: 'virtual', name: 'vdrive', path: copyFixture(t, name, 'tapes') });
  return installation;
}

async function inventorize(installation: Installation): Promise<void> {
  await settled(updateInventory(installation, { all: true }, new RecordingObserver()));
}

function comparableCatalogs(folder: string, uuids: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    uuids.map((uuid) => [uuid, withoutPadding(readFileSync(join(folder, `${uuid}.log`))).toString('hex')]),
  );
}

async function memberUuids(installation: Installation, mediaSet: string): Promise<string[]> {
  const { entries } = await new InventoryFile(installation).load();
  return entries.filter((entry) => entry.mediaSetLabel?.uuid === mediaSet).map((entry) => entry.label.uuid);
}

for (const name of ['small', 'append', 'incomplete'] as const) {
  const { mediaSet, tapes, listing, store } = SETS[name];

  fixtureTest(`${name}: the inventory comes back from the tapes`, async (t) => {
    const installation = await installationWithTapes(t, name);
    await inventorize(installation);
    const { entries } = await new InventoryFile(installation).load();
    const pbs = JSON.parse(readFileSync(fixturePath(name, 'lib-tape', 'inventory.json'), 'utf8')) as {
      id: { label: { uuid: string; label_text: string }; media_set_label?: { uuid: string; seq_nr: number } };
    }[];
    t.deepEqual(
      entries.map((entry) => [entry.label.labelText, entry.label.uuid, entry.mediaSetLabel?.uuid]).sort(),
      pbs
        .filter(({ id }) => tapes.includes(id.label.label_text)) // the others were never loaded
        .map(({ id }) => [id.label.label_text, id.label.uuid, id.media_set_label?.uuid])
        .sort(),
    );
  });

  fixtureTest(`${name}: catalogs rebuilt by a scan are PBS's`, async (t) => {
    const installation = await installationWithTapes(t, name);
    await inventorize(installation);
    for (const labelText of tapes) {
      await settled(loadMedia(installation, { labelText }, new RecordingObserver()));
      const summary = await settled(restoreCatalog(installation, { scan: true }, new RecordingObserver()));
      t.is(summary.source, 'scan');
    }
    const uuids = await memberUuids(installation, mediaSet);
    t.deepEqual(
      comparableCatalogs(installation.paths.statusDir, uuids),
      comparableCatalogs(fixturePath(name, 'lib-tape'), uuids),
    );
  });

  fixtureTest(`${name}: a full restore gives the datastore that PBS had`, async (t) => {
    const installation = await installationWithTapes(t, name);
    await inventorize(installation);
    const target = join(installation.root, 'target');
    await createDatastore(installation, { name: 'target', path: target });
    const observer = new RecordingObserver();
    const summary = await settled(restore(installation, { mediaSet, store: `${store}=target` }, observer));
    const expected = readFixture<StoreListing>(name, listing);
    t.deepEqual(summary.restored.map(({ snapshot }) => snapshot).sort(), Object.keys(expected.snapshots).sort());
    const chunks = Object.entries(expected.chunks).map(([digest, { size, blob_sha256 }]) => [
      digest,
      { size, blob_sha256 },
    ]);
    t.deepEqual(foundChunks(target), Object.fromEntries(chunks));
    t.deepEqual(snapshotDifferences(target, expected), []);

    const verified = await verifySnapshots(installation, { store: 'target' }, new RecordingObserver());
    t.deepEqual(verified.errors, []);
    t.is(verified.snapshots, Object.keys(expected.snapshots).length);

    const uuids = await memberUuids(installation, mediaSet);
    t.deepEqual(
      comparableCatalogs(installation.paths.statusDir, uuids),
      comparableCatalogs(fixturePath(name, 'lib-tape'), uuids),
      'catalogs that a restore rebuilds',
    );

    const again = await settled(restore(installation, { mediaSet, store: `${store}=target` }, new RecordingObserver()));
    t.is(again.restored.length, 0);
    t.is(again.chunksRestored, 0);
    t.is(again.existing.length, summary.restored.length);
  });
}

fixtureTest('small: catalogs come back from the copies on tape, and answer what is on which tape', async (t) => {
  const { tapes, mediaSet } = SETS.small;
  const installation = await installationWithTapes(t, 'small');
  await inventorize(installation);
  const last = tapes.at(-1) ?? '';
  await settled(loadMedia(installation, { labelText: last }, new RecordingObserver()));
  const summary = await settled(restoreCatalog(installation, {}, new RecordingObserver()));
  t.is(summary.source, 'copy');
  const uuids = await memberUuids(installation, mediaSet);
  t.is(uuids.length, 3);
  t.deepEqual(
    comparableCatalogs(installation.paths.statusDir, uuids),
    comparableCatalogs(fixturePath('small', 'lib-tape-after-inventory'), uuids),
  );
  const listed = readFixture<{ 'label-text': string; snapshot: string; store: string }[]>(
    'small',
    'content.listing.json',
  );
  const content = await mediaContent(installation, {});
  t.deepEqual(
    content.map((entry) => `${entry['label-text']} ${entry.store}:${entry.snapshot}`).sort(),
    listed.map((entry) => `${entry['label-text']} ${entry.store}:${entry.snapshot}`).sort(),
  );
});

fixtureTest('small: with a tape missing nothing is restored, and the tape is named by its number', async (t) => {
  const installation = await installationWithTapes(t, 'small');
  await inventorize(installation);
  const file = new InventoryFile(installation);
  const second = (await file.load()).getByLabel('TAPE02');
  await file.update((inventory) => inventory.without(second.label.uuid));
  await createDatastore(installation, { name: 'target', path: join(installation.root, 'target') });
  const parameters = { mediaSet: SETS.small.mediaSet, store: 'target' };
  await t.throwsAsync(restore(installation, parameters, new RecordingObserver()), {
    message: /tape number 1 is not known/,
  });
  t.deepEqual(readdirSync(join(installation.root, 'target')).sort(), ['.chunks', '.lock']);
});

fixtureTest('small: a catalog that is lost is named when content is asked for', async (t) => {
  const installation = await installationWithTapes(t, 'small');
  await inventorize(installation);
  await t.throwsAsync(mediaContent(installation, { labelText: 'TAPE01' }), {
    message: /TAPE01.*missing.*proxmox-tape catalog/,
  });
  rmSync(installation.paths.inventoryFile);
  t.deepEqual(await mediaContent(installation, {}), []);
});
