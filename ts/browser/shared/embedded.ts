/** Data that stands in the page itself: gzip in base64 in a script element of a type that nobody runs. */

/** Throws if the page has nothing of this name. */
export async function embeddedBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = document.getElementById(`embedded-${name}`)?.textContent;
  if (text == null) throw new Error(`the page carries no '${name}'`);
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

export function hasEmbedded(name: string): boolean {
  return document.getElementById(`embedded-${name}`) !== null;
}

/** Once it is unpacked: a database has its size twice in memory otherwise. */
export function dropEmbedded(name: string): void {
  document.getElementById(`embedded-${name}`)?.remove();
}
