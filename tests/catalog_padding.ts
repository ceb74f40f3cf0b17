/** Catalog files as they can be compared: PBS leaves the padding of its records uninitialised (tape-format.md 7.2). */

/** A copy with 7 bytes after the store length of `A` records, and 1 and 4 bytes of `S` records, set to zero. */
export function withoutPadding(catalog: Buffer): Buffer {
  const bytes = Buffer.from(catalog);
  let at = 8; // magic
  while (at < bytes.length) {
    const fixed = at + 1;
    switch (String.fromCharCode(bytes[at] ?? 0)) {
      case 'L':
        at = fixed + 32;
        break;
      case 'C':
        at = fixed + 32;
        break;
      case 'E':
        at = fixed + 24;
        break;
      case 'A':
        bytes.fill(0, fixed + 25, fixed + 32);
        at = fixed + 32 + (bytes[fixed + 24] ?? 0);
        break;
      case 'S':
        bytes.fill(0, fixed + 25, fixed + 26);
        bytes.fill(0, fixed + 28, fixed + 32);
        at = fixed + 32 + (bytes[fixed + 24] ?? 0) + 1 + bytes.readUInt16LE(fixed + 26);
        break;
      default:
        throw new Error(`no catalog record at byte ${at}`);
    }
  }
  return bytes;
}
