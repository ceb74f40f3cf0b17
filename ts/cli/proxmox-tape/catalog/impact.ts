import Type from 'typebox';
import { mediaLabel } from '../../../config/identifiers.ts';
import type { CatalogImpact, ChunkImpact, SnapshotImpact } from '../../../jobs/catalog/impact.ts';
import { defineCommand } from '../../grammar/command.ts';
import { text } from '../../grammar/output.ts';
import { annotate, optional } from '../../grammar/parameter.ts';
import { outputFormat, progress } from '../../parameters.ts';
import { lookInside, lookInsideRequest } from './parameters.ts';

const BY = { archive: 'its archive', chunks: 'some of its data', perhaps: 'perhaps some of its data' };

function snapshotLine({ store, path, by, copies, datastores }: SnapshotImpact): string {
  const elsewhere = [
    ...datastores.map((name) => `datastore ${name}`),
    ...copies.map(({ labelText }) => `another media set (tape ${labelText})`),
  ];
  const also = elsewhere.length > 0 ? `also in ${elsewhere.join(', ')}` : 'NOWHERE ELSE';
  return `  ${store}:${path}: ${BY[by]}; ${also}`;
}

function chunkLines({ chunks, lost, mediaSets, datastores }: ChunkImpact): string[] {
  const copies = [
    ...datastores.map(({ name, chunks: count }) => `  ${count} of them are in datastore ${name}`),
    ...mediaSets
      .filter(({ chunks: count }) => count > 0)
      .map((set) => `  ${set.chunks} of them are in media set ${set.name}`),
  ];
  return [`${chunks} chunks; ${lost} of them are nowhere else`, ...copies];
}

function lines({ labelText, file, snapshots, lost, chunks }: CatalogImpact): string[] {
  const what = file === undefined ? `tape '${labelText}'` : `file ${file} of tape '${labelText}'`;
  return [
    `Without ${what}, its media set cannot restore ${snapshots.length} snapshots; ${lost} of them are nowhere else.`,
    ...snapshots.map(snapshotLine),
    ...(chunks ? chunkLines(chunks) : []),
  ];
}

export default defineCommand({
  summary: 'Tell what would be lost with a tape, or with one file of it, and what else holds it.',
  examples: [
    ['catalog impact TAPE02', 'A whole tape:'],
    ['catalog impact TAPE02 --file 7', 'A damaged file of it:'],
  ],
  positionals: { 'label-text': annotate(mediaLabel, { completion: 'label-text' }) },
  options: {
    ...lookInside,
    file: optional(Type.Integer({ minimum: 2 }), { description: 'Number of the file on the tape.' }),
    'output-format': outputFormat,
    progress,
  },
  output: text<CatalogImpact>(lines),
  async run({ 'label-text': labelText, file, ...request }, { installation, report }) {
    const { catalogImpact } = await import('../../../jobs/catalog/impact.ts');
    const look = await lookInsideRequest(request);
    return report.work((log) => catalogImpact(installation, { ...look, labelText, file }, log));
  },
});
