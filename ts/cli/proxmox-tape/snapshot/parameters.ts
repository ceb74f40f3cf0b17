/** Parameters of the snapshot commands. */
import Type from 'typebox';
import { authId, datastoreName, namespace } from '../../../config/identifiers.ts';
import { textAccepted } from '../../../config/value_text.ts';
import { parseArchiveSource } from '../../../jobs/datastore/snapshots.ts';
import { annotate, optional } from '../../grammar/parameter.ts';

export const store = annotate(datastoreName, { completion: 'store' });

export const group = Type.String({
  pattern: '^(?:vm|ct|host)/[A-Za-z0-9_][A-Za-z0-9._-]*$',
  patternHint: '<vm|ct|host>/<id>',
  description: 'Group of the snapshot: host/server1.',
});

export const snapshot = Type.String({
  minLength: 1,
  description: 'Snapshot as listed: host/server1/2024-06-05T09:33:20Z, below a namespace ns/<name>/host/...',
});

export const archiveSources = Type.Array(
  textAccepted(parseArchiveSource, {
    description: 'What to put in: <name>.pxar:<directory>, <name>.img:<file or device>, <name>.conf:<file>.',
  }),
  { description: 'What to put in: <name>.pxar:<directory>, <name>.img:<file or device>, <name>.conf:<file>.' },
);

export const ns = optional(namespace, { description: 'Namespace; the root if not given.' });

export const owner = optional(authId, { description: 'Owner of the group if it is new; root@pam if not given.' });
