/** The closing table of the demonstration. Every figure comes from demo.json. */

export interface DemoFigures {
  /** Bytes of all files, images and config files of both snapshots. */
  sourceBytes: number;
  files: number;
  /** Files whose digest after the restore is that at the source. */
  filesEqual: number;
  /** Bytes of chunk files. */
  storedBytes: number;
  /** Bytes that the indexes of both snapshots describe. */
  describedBytes: number;
  chunks: number;
  chunksVerified: number;
  verifyErrors: number;
  backups: { chunks: number; chunkBytes: number; tapeBytes: number; seconds: number }[];
  restore: { bytesRead: number; bytesRestored: number; seconds: number };
  tapes: string[];
  /** Capacity of each. */
  tapeBytes: number;
  places: Record<'root' | 'tapes' | 'catalogs' | 'config' | 'lostStore' | 'restoredStore', string>;
  mediaSet: string;
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const speed = (bytes: number, seconds: number): string => `${(bytes / 1e6 / Math.max(seconds, 1e-6)).toFixed(0)} MB/s`;

export function printClosingTable(figures: DemoFigures, report: string): void {
  const { places, restore, backups } = figures;
  const rows: [string, string][] = [
    ['files compared', `${figures.files}, equal to their originals: ${figures.filesEqual}`],
    ['chunks verified', `${figures.chunksVerified}, damaged: ${figures.verifyErrors}`],
    ['data in two snapshots', mib(figures.describedBytes)],
    ['stored in chunks', `${mib(figures.storedBytes)} in ${figures.chunks} chunks`],
    [
      'deduplication and compression',
      `factor ${(figures.describedBytes / Math.max(1, figures.storedBytes)).toFixed(1)}`,
    ],
    ...backups.map((each, index): [string, string] => [
      `backup ${index + 1}`,
      `${each.chunks} chunks, ${mib(each.tapeBytes)} to tape at ${speed(each.tapeBytes, each.seconds)}`,
    ]),
    ['restore', `${mib(restore.bytesRead)} read at ${speed(restore.bytesRead, restore.seconds)}`],
    ['tapes used', `${figures.tapes.length} of ${mib(figures.tapeBytes)}: ${figures.tapes.join(' ')}`],
    ['tapes lie in', places.tapes],
    ['catalogs and inventory', places.catalogs],
    ['configuration', places.config],
    ['the lost datastore', places.lostStore],
    ['the restored datastore', places.restoredStore],
    ['every file, its digests and tapes', report],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  const next = [
    `export PROXMOX_TAPE_ROOT=${places.root}`,
    'npx proxmox-tape media list',
    'npx proxmox-tape media content',
    'npx proxmox-tape snapshot list restored',
    `npx proxmox-tape restore ${figures.mediaSet} demo=restored`,
    'npx proxmox-tape help',
  ];
  process.stdout.write(
    `\n${lines.join('\n')}\n\nGo on by hand, in the checkout:\n\n${next.map((line) => `  ${line}`).join('\n')}\n`,
  );
}
