/** What a cartridge holds, and how fast a drive writes it, as its bar code tells: `A00012L8` is LTO-8. */

export interface CartridgeKind {
  readonly name: string;
  /** Native, without compression. */
  readonly capacityBytes: number;
  /** Native, of a full-height drive of the same generation. */
  readonly bytesPerSecond: number;
}

const kind = (name: string, terabytes: number, megabytesPerSecond: number): CartridgeKind => ({
  name,
  capacityBytes: terabytes * 1e12,
  bytesPerSecond: megabytesPerSecond * 1e6,
});

/** By the last two characters of the bar code (LTO bar code label specification). WORM cartridges have letters of their own. */
const KINDS: Readonly<Record<string, CartridgeKind>> = {
  L1: kind('LTO-1', 0.1, 20),
  L2: kind('LTO-2', 0.2, 40),
  L3: kind('LTO-3', 0.4, 80),
  LT: kind('LTO-3 WORM', 0.4, 80),
  L4: kind('LTO-4', 0.8, 120),
  LU: kind('LTO-4 WORM', 0.8, 120),
  L5: kind('LTO-5', 1.5, 140),
  LV: kind('LTO-5 WORM', 1.5, 140),
  L6: kind('LTO-6', 2.5, 160),
  LW: kind('LTO-6 WORM', 2.5, 160),
  L7: kind('LTO-7', 6, 300),
  LX: kind('LTO-7 WORM', 6, 300),
  M8: kind('LTO-7 type M', 9, 300),
  L8: kind('LTO-8', 12, 360),
  LY: kind('LTO-8 WORM', 12, 360),
  L9: kind('LTO-9', 18, 400),
  LZ: kind('LTO-9 WORM', 18, 400),
};

/** Undefined: the label says nothing about the cartridge. */
export function cartridgeKind(labelText: string): CartridgeKind | undefined {
  return labelText.length < 3 ? undefined : KINDS[labelText.slice(-2)];
}
