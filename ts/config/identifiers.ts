/** Names and other short values that commands and config files share (spec/cli.md 1.1, config-and-time.md 2.1). */
import Type from 'typebox';
import type { PropertyMetadata } from './value_text.ts';

const SAFE_ID = '[A-Za-z0-9_][A-Za-z0-9._-]*';
const SAFE_ID_HINT = 'letters, digits, _, . and -, not starting with . or -';

/** A name that is safe in paths, with its length limits. */
export function safeId(minLength: number, maxLength: number, metadata: PropertyMetadata = {}) {
  return Type.String({ pattern: `^(?:${SAFE_ID})$`, minLength, maxLength, patternHint: SAFE_ID_HINT, ...metadata });
}

/** Text without control characters, hence of one line. */
export function singleLine(minLength: number, maxLength: number, metadata: PropertyMetadata = {}) {
  const hint = { patternHint: 'one line without control characters' };
  return Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$', minLength, maxLength, ...hint, ...metadata });
}

export const driveName = safeId(3, 32, { description: 'Drive Identifier.' });
export const changerName = safeId(3, 32, { description: 'Tape Changer Identifier.' });
export const datastoreName = safeId(3, 32, { description: 'Datastore name.' });
export const jobId = safeId(3, 32, { description: 'Job ID.' });
export const vaultName = safeId(3, 32, { description: 'Vault Identifier.' });
export const poolName = safeId(2, 32, { description: 'Media pool name.' });
export const mediaLabel = safeId(2, 32, { description: 'Media Label/Barcode.' });

const UUID = '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
const UUID_HINT = { patternHint: 'a UUID in lower case' };
export const mediaUuid = Type.String({ pattern: UUID, ...UUID_HINT, description: 'Media Uuid.' });
export const mediaSetUuid = Type.String({ pattern: UUID, ...UUID_HINT, description: 'Media set UUID.' });

export const fingerprint = Type.String({
  pattern: '^[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){31}$',
  patternHint: '32 pairs of hex digits with colons between them',
  description: 'Tape encryption key fingerprint (sha256).',
});

export const comment = singleLine(0, 128, { description: 'Comment (single line).' });
export const newKeyHint = singleLine(1, 32, { description: 'Password restore hint.' });
export const keyHint = singleLine(1, 64, { description: 'Password restore hint.' });
export const password = Type.String({ minLength: 5, description: 'Password.' });

const USER = '[^\\s:/\\u0000-\\u001f\\u007f-\\u009f]+';
export const userId = Type.String({
  pattern: `^${USER}@${SAFE_ID}$`,
  minLength: 3,
  maxLength: 64,
  patternHint: 'name@realm',
  description: 'User ID',
});
export const authId = Type.String({
  pattern: `^${USER}@${SAFE_ID}(?:!${SAFE_ID})?$`,
  minLength: 3,
  maxLength: 64,
  patternHint: 'name@realm or name@realm!token',
  description: 'Authentication ID',
});

export const digest = Type.String({
  pattern: '^[a-f0-9]{64}$',
  patternHint: '64 hex digits in lower case',
  description: 'Prevent changes if current configuration file has different SHA256 digest.',
});

export const slotNumber = Type.Integer({ minimum: 1, description: 'Slot number.' });
/** PBS prints 0 - 8 and accepts up to 255 (D9). */
export const changerDriveNumber = Type.Integer({
  minimum: 0,
  maximum: 255,
  default: 0,
  typeText: '<integer> (0 - 8)',
  description: 'Associated changer drive number (requires option changer)',
});

export const maxNamespaceDepth = Type.Integer({
  minimum: 0,
  maximum: 7,
  description: 'Depth of namespaces to include: 0 is the start namespace alone.',
});
export const namespace = Type.String({
  pattern: `^(?:${SAFE_ID}(?:/${SAFE_ID}){0,6})?$`,
  maxLength: 256,
  patternHint: 'up to 7 names joined by /',
  description: 'Namespace.',
});
