/**
 * Content of the images that become the datastore: the same for the same seed, as fast as AES makes random bytes, and of two
 * kinds, with chunks that do not compress and chunks that compress to about half, some of which occur again.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

export const CHUNK_BYTES = 4 << 20;

export interface ContentRecipe {
  seed: string;
  duplicateShare: number;
  compressibleShare: number;
}

/** Of each so many bytes of a compressible chunk the second half comes from the phrases. */
const STRIDE_BYTES = 512;
const PHRASE_BYTES = STRIDE_BYTES / 2;
const PHRASES = 256;

const zeros = Buffer.alloc(CHUNK_BYTES);

export class ImageContent {
  readonly #recipe: ContentRecipe;
  readonly #key: Buffer;
  readonly #phrases: Buffer;

  constructor(recipe: ContentRecipe) {
    this.#recipe = recipe;
    this.#key = createHash('sha256').update(recipe.seed).digest().subarray(0, 16);
    this.#phrases = this.#random(0xffff_ffff, PHRASES * PHRASE_BYTES);
  }

  /** Writes chunks `first` to `end` of the whole content. */
  writeImage(path: string, first: number, end: number): void {
    const file = openSync(path, 'w');
    try {
      for (let number = first; number < end; number++) writeSync(file, this.#chunk(this.#original(number)));
    } finally {
      closeSync(file);
    }
  }

  /** The chunk that chunk `number` is equal to: itself, or an earlier one that is no copy. */
  #original(number: number): number {
    for (let at = number; at > 0; ) {
      const isCopy = this.#chance(at, 'copy') < this.#recipe.duplicateShare;
      if (!isCopy) return at;
      at = Math.floor(this.#chance(at, 'origin') * at);
    }
    return 0;
  }

  #chunk(number: number): Buffer {
    const chunk = this.#random(number, CHUNK_BYTES);
    if (this.#chance(number, 'kind') >= this.#recipe.compressibleShare) return chunk;
    for (let at = 0; at < CHUNK_BYTES; at += STRIDE_BYTES) {
      const phrase = chunk.readUInt8(at) * PHRASE_BYTES;
      this.#phrases.copy(chunk, at + PHRASE_BYTES, phrase, phrase + PHRASE_BYTES);
    }
    return chunk;
  }

  #random(number: number, bytes: number): Buffer {
    const counter = Buffer.alloc(16);
    counter.writeUInt32BE(number, 0);
    return createCipheriv('aes-128-ctr', this.#key, counter).update(zeros.subarray(0, bytes));
  }

  /** 0 to less than 1. */
  #chance(number: number, question: string): number {
    const digest = createHash('sha256').update(`${this.#recipe.seed}/${number}/${question}`).digest();
    return digest.readUInt32BE(0) / 2 ** 32;
  }
}
