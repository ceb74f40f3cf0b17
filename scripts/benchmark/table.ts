/** Tables of plain text. */
import type { Figure, Spread, Target } from './figures.ts';
import type { Machine } from './machine.ts';

type Align = 'left' | 'right';

export function table(head: readonly string[], align: readonly Align[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => {
        const cell = row[column] ?? '';
        return align[column] === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

const MIB = 2 ** 20;

function spreadCells({ median, least, most }: Spread): string[] {
  return [median.toFixed(2), `${least.toFixed(2)} to ${most.toFixed(2)}`];
}

export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.place,
    figure.name,
    ...spreadCells(figure.gigabytesPerSecond),
    ...spreadCells(figure.cpuSecondsPerGigabyte),
    figure.peakAnonymousBytes > 0 ? (figure.peakAnonymousBytes / MIB).toFixed(0) : '-',
    `${(100 * figure.othersShare).toFixed(0)} %`,
  ]);
  return table(
    ['place', 'case', 'GB/s', 'least to most', 'CPU s/GB', 'least to most', 'peak MiB', 'others'],
    ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right'],
    rows,
  );
}

export function targetTable(targets: readonly Target[]): string {
  const rows = targets.map(({ what, wanted, reached, isReached }) => [
    what,
    wanted,
    reached,
    isReached ? 'pass' : 'FAIL',
  ]);
  return table(['figure', 'target', 'reached', ''], ['left', 'left', 'right', 'left'], rows);
}

export function machineText(machine: Machine): string {
  const places = Object.entries(machine.fileSystems).map(([name, text]) => `${name}: ${text}`);
  return [
    `${machine.processor}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, Linux ${machine.kernel}`,
    `${places.join(', ')}; Node ${machine.node}, commit ${machine.commit}, load ${machine.load.toFixed(1)} at the start`,
  ].join('\n');
}
