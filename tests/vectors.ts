/** Test vectors shared by Rust, TypeScript and wasm: tests/vectors/. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** dist/tests/vectors.js -> the checkout's tests/vectors */
const folder = join(import.meta.dirname, '..', '..', 'tests', 'vectors');

export function readVectors<Case>(name: string): Case[] {
  return (JSON.parse(readFileSync(join(folder, name), 'utf8')) as { cases: Case[] }).cases;
}
