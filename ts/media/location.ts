/** Where a tape is, and whether a job that uses a certain drive can have it. */

export type Location = { kind: 'online'; changer: string } | { kind: 'offline' } | { kind: 'vault'; vault: string };

/** Where the tapes of a session must be: in a changer, in a person's reach, or (for listings) anywhere on site. */
export type MediaSession = { kind: 'changer'; changer: string } | { kind: 'standalone' } | { kind: 'listing' };

const ONLINE = 'online-';
const VAULT = 'vault-';

/** Text of an inventory entry; what is absent or not understood is offline. */
export function parseLocation(text: string | undefined): Location {
  if (text?.startsWith(ONLINE)) return { kind: 'online', changer: text.slice(ONLINE.length) };
  if (text?.startsWith(VAULT)) return { kind: 'vault', vault: text.slice(VAULT.length) };
  return { kind: 'offline' };
}

export function formatLocation(location: Location): string {
  if (location.kind === 'online') return ONLINE + location.changer;
  return location.kind === 'vault' ? VAULT + location.vault : 'offline';
}

/** The session of a job by its drive's changer; a virtual drive is its own changer. */
export function sessionOf(changer: string | undefined): MediaSession {
  return changer === undefined ? { kind: 'standalone' } : { kind: 'changer', changer };
}

export function isAvailable(location: Location, session: MediaSession): boolean {
  switch (session.kind) {
    case 'changer':
      return location.kind === 'online' && location.changer === session.changer;
    case 'standalone':
      return location.kind === 'offline';
    case 'listing':
      return location.kind !== 'vault';
  }
}
