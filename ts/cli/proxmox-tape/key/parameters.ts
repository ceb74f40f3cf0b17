/** Parameters of the commands about keys. */
import Type from 'typebox';
import { fingerprint } from '../../../config/identifiers.ts';
import { annotate, defaulted } from '../../grammar/parameter.ts';

export const fingerprintPositional = annotate(fingerprint, { completion: 'key' });

export const kdfOption = defaulted(
  Type.Enum(['none', 'scrypt', 'pbkdf2'], {
    description: "Key derivation function for password protected encryption keys; 'none' is refused for tape keys.",
  }),
  'scrypt',
);
