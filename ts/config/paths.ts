/** Where an installation keeps its files: the places of PBS, below a root. */
import { join } from 'node:path';

/** Names of the section config files. */
export type ConfigFileName =
  | 'tape.cfg'
  | 'media-pool.cfg'
  | 'tape-job.cfg'
  | 'datastore.cfg'
  | 'user.cfg'
  | 'ferrite.cfg'
  | 'ferrite-secrets.cfg';

export class InstallationPaths {
  /** Section config files and key files. */
  readonly configDir: string;
  /** inventory.json, media catalogs, and the locks of inventory, pools and media sets. */
  readonly statusDir: string;
  /** `tape-backup-job-<id>.json` */
  readonly jobStateDir: string;
  /** Locks of snapshots and datastores, active operations; the native datastore works below it. */
  readonly runDir: string;
  readonly driveLockDir: string;
  readonly driveStateDir: string;
  readonly changerStateDir: string;
  readonly taskLogDir: string;
  /** Derived data that may be deleted at any time: chunk indexes, the sql.js database. */
  readonly cacheDir: string;

  constructor(root: string) {
    this.configDir = join(root, 'etc/proxmox-backup');
    this.statusDir = join(root, 'var/lib/proxmox-backup/tape');
    this.jobStateDir = join(root, 'var/lib/proxmox-backup/jobstates');
    this.runDir = join(root, 'run/proxmox-backup');
    this.driveLockDir = join(this.runDir, 'drive-lock');
    this.driveStateDir = join(this.runDir, 'drive-state');
    this.changerStateDir = join(this.runDir, 'changer-state');
    this.taskLogDir = join(root, 'var/log/proxmox-backup/tasks');
    this.cacheDir = join(root, 'var/cache/ferrite');
  }

  configFile(name: ConfigFileName): string {
    return join(this.configDir, name);
  }

  /** `.tape.lck` for `tape.cfg`, as PBS names it. */
  configLock(name: ConfigFileName): string {
    return join(this.configDir, `.${name.replace(/\.cfg$/, '')}.lck`);
  }

  get inventoryFile(): string {
    return join(this.statusDir, 'inventory.json');
  }

  get inventoryLock(): string {
    return join(this.statusDir, '.inventory.lck');
  }

  /** Tape keys as they are: the super user's. */
  get plainKeyFile(): string {
    return join(this.configDir, 'tape-encryption-keys.json');
  }

  /** The same keys under their passwords. */
  get keyConfigFile(): string {
    return join(this.configDir, 'tape-encryption-key-config.json');
  }

  /** The lock of both key files. */
  get keyLock(): string {
    return join(this.configDir, '.tape-encryption-keys.lck');
  }

  /** Which tapes carry which wrapped keys, and which keys were printed; Ferrite's own. */
  get keyRecordFile(): string {
    return join(this.statusDir, '..', 'ferrite', 'key-records.json');
  }

  get keyRecordLock(): string {
    return join(this.statusDir, '..', 'ferrite', '.key-records.lck');
  }

  /** The media catalog of one tape. */
  catalogFile(mediaUuid: string): string {
    return join(this.statusDir, `${mediaUuid}.log`);
  }

  /** A media catalog under construction. */
  catalogTmpFile(mediaUuid: string): string {
    return join(this.statusDir, `${mediaUuid}.tmp`);
  }

  driveStateFile(drive: string): string {
    return join(this.driveStateDir, drive);
  }

  /** What a changer last reported. */
  changerStateFile(changer: string): string {
    return join(this.changerStateDir, changer);
  }

  /** Held while a robot carries out what one process wants of it; PBS has no such lock. */
  changerLock(devicePath: string): string {
    return join(this.driveLockDir, `${escapeUnitPath(devicePath)}.moves`);
  }

  /** The lock of a drive is named by its device path or directory: two names of one device share it. */
  driveLock(devicePath: string): string {
    return join(this.driveLockDir, escapeUnitPath(devicePath));
  }
}

/** systemd's unit path escaping: `/dev/tape/by-id/x-sg` becomes `dev-tape-by\x2did-x\x2dsg`. */
export function escapeUnitPath(path: string): string {
  return escapeUnitName(path.replace(/^\/+/, ''));
}

/** systemd's unit name escaping: `/` is `-`, and what is neither letter, digit, `_` nor an inner `.` is `\xNN`. */
export function escapeUnitName(text: string): string {
  let escaped = '';
  for (const [index, byte] of Buffer.from(text).entries()) {
    const char = String.fromCharCode(byte);
    if (char === '/') escaped += '-';
    else if (/[A-Za-z0-9_]/.test(char) || (char === '.' && index > 0)) escaped += char;
    else escaped += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return escaped;
}
