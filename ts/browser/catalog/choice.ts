/** The snapshots that a person chose for a restore, and the file that `restore --list` takes. */
import type { ChosenSnapshot } from '../../catalog/snapshots.ts';

const keyOf = ({ mediaSetUuid, store, path }: ChosenSnapshot): string => `${mediaSetUuid} ${store}:${path}`;

export class Choice extends EventTarget {
  readonly #chosen = new Map<string, ChosenSnapshot>();

  get all(): ChosenSnapshot[] {
    return [...this.#chosen.values()];
  }

  get size(): number {
    return this.#chosen.size;
  }

  has(snapshot: ChosenSnapshot): boolean {
    return this.#chosen.has(keyOf(snapshot));
  }

  set(snapshot: ChosenSnapshot, chosen: boolean): void {
    const { mediaSetUuid, store, path } = snapshot;
    if (chosen) this.#chosen.set(keyOf(snapshot), { mediaSetUuid, store, path });
    else this.#chosen.delete(keyOf(snapshot));
    this.dispatchEvent(new Event('change'));
  }

  clear(): void {
    this.#chosen.clear();
    this.dispatchEvent(new Event('change'));
  }
}

/** A list is about one media set, as a restore is. */
export function restoreList(mediaSet: string, chosen: readonly ChosenSnapshot[]): string {
  const list = {
    format: 'ferrite-restore-list',
    version: 1,
    'media-set': mediaSet,
    snapshots: chosen.map(({ store, path }) => `${store}:${path}`).sort(),
  };
  return `${JSON.stringify(list, null, 2)}\n`;
}

/** Saves a text where the browser saves downloads. */
export function saveText(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
