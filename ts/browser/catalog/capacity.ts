/** How full tapes are. */
import type { TapeSummary } from '../../catalog/tapes.ts';

/** Native bytes by the last two characters of a barcode. */
const CAPACITIES: Readonly<Record<string, number>> = {
  L1: 100e9,
  L2: 200e9,
  L3: 400e9,
  L4: 800e9,
  L5: 1.5e12,
  L6: 2.5e12,
  L7: 6e12,
  M8: 9e12,
  L8: 12e12,
  L9: 18e12,
  LA: 30e12,
};

/** What chunks take on tape, where nothing better is known: the chunk size of disk images, compressed to a half. */
const GUESSED_CHUNK_BYTES = 2 << 20;

export interface Fill {
  bytes: number;
  /** Nobody saw it; it follows from the number of chunks. */
  guessed: boolean;
  /** 0 to 1; undefined where the capacity is not known. */
  share: number | undefined;
  capacity: number | undefined;
}

export function fillOf(tape: TapeSummary): Fill {
  const seen = tape.bytesUsed ?? tape.fileBytes;
  const bytes = seen ?? tape.chunks * GUESSED_CHUNK_BYTES;
  const capacity = CAPACITIES[tape.labelText.slice(-2)];
  const full = tape.status === 'full' ? 1 : undefined;
  const share = capacity === undefined ? full : Math.min(1, bytes / capacity);
  return { bytes, guessed: seen === undefined, share, capacity };
}
