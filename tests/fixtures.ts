/**
 * Datastores and tapes that PBS wrote: `$FERRITE_FIXTURES`, else ../shared/fixtures beside the checkout. Read-only: tests
 * copy what they change. Without them their tests are skipped, unless FERRITE_REQUIRE names `fixtures`.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { temporaryDirectory } from './temporary_installation.ts';

/** Names of the fixture folders. */
export type FixtureName = 'small' | 'append' | 'incomplete';
export const FIXTURE_NAMES: readonly FixtureName[] = ['small', 'append', 'incomplete'];

const checkout = resolve(import.meta.dirname, '..', '..');
const folder = process.env.FERRITE_FIXTURES || resolve(checkout, '..', 'shared', 'fixtures');
const present = existsSync(join(folder, 'small'));
const required = (process.env.FERRITE_REQUIRE ?? '').split(',').includes('fixtures');

if (!present && !required) process.stderr.write(`SKIP fixtures: not found in ${folder}\n`);

/** `test`, or `test.skip` where there are no fixtures. */
export const fixtureTest: TestFn | TestFn['skip'] = present || required ? anyTest : anyTest.skip;

export function fixturePath(name: FixtureName, ...parts: string[]): string {
  return join(folder, name, ...parts);
}

export function readFixture<T>(name: FixtureName, file: string): T {
  return JSON.parse(readFileSync(fixturePath(name, file), 'utf8')) as T;
}

/** A writable copy of a folder of a fixture, removed when the test ends. */
export function copyFixture(t: ExecutionContext, name: FixtureName, ...parts: string[]): string {
  const target = temporaryDirectory(t);
  copyFixtureTo(target, name, ...parts);
  return target;
}

/** The fixtures are read-only; a copy is not. */
export function copyFixtureTo(target: string, name: FixtureName, ...parts: string[]): void {
  cpSync(fixturePath(name, ...parts), target, { recursive: true, preserveTimestamps: true });
  execFileSync('chmod', ['--recursive', 'u+w', target]);
}

/**
 * A tape file as a fixture's tapes.listing.json describes it. The archive that met the end of its tape has only `error`.
 */
export interface ListedTapeFile {
  error?: string;
  type: string;
  content_uuid: string;
  file_bytes: number;
  header: Record<string, unknown>;
  incomplete?: boolean;
  part_number: number;
  /** Digest and blob size, in order. */
  chunk_list?: [string, number][];
  files?: Record<string, { sha256: string; size: number }>;
}

export type TapesListing = Record<string, ListedTapeFile[]>;
