/** Notification targets and mail addresses: what `proxmox-tape notification` does to ferrite.cfg and its secrets. */
import { readFile } from 'node:fs/promises';
import { FerriteError } from '../errors.ts';
import { ConfigDocument } from './config_document.ts';
import { readConfig, updateConfig } from './config_file.ts';
import { ferriteSectionTypes } from './ferrite_sections.ts';
import type { Installation } from './installation.ts';
import {
  checkTarget,
  contactSection,
  type NotifyTarget,
  notifySection,
  secretSection,
  secretSectionTypes,
  userSection,
  userSectionTypes,
} from './notify_sections.ts';
import { applyChanges, type Changes, type UpdateOptions, withTrimmedComment } from './section_update.ts';

const FILE = 'ferrite.cfg';
const SECRETS = 'ferrite-secrets.cfg';

export const deletableTargetProperties = [
  'to',
  'to-user',
  'from',
  'server',
  'port',
  'security',
  'username',
  'program',
  'url',
  'header',
  'event',
  'disable',
  'comment',
] as const;
export type DeletableTargetProperty = (typeof deletableTargetProperties)[number];

/** All targets, sorted by name. */
export async function listTargets(installation: Installation): Promise<NotifyTarget[]> {
  const document = await readConfig(installation, FILE, ferriteSectionTypes);
  return document.list(notifySection).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** One target; a FerriteError (`usage`, `unknown-target`) where there is none of that name. */
export async function targetConfig(installation: Installation, name: string): Promise<NotifyTarget> {
  const document = await readConfig(installation, FILE, ferriteSectionTypes);
  return document.get(notifySection, name) ?? unknownTarget(name);
}

function unknownTarget(name: string): never {
  const message = `notification target '${name}' does not exist: see 'proxmox-tape notification list'`;
  throw new FerriteError('usage', 'unknown-target', message);
}

export async function createTarget(installation: Installation, target: NotifyTarget): Promise<void> {
  const checked = checkTarget(withTrimmedComment(target));
  await updateConfig(installation, FILE, ferriteSectionTypes, (document) => document.add(notifySection, checked));
}

export async function updateTarget(
  installation: Installation,
  name: string,
  changes: Changes<Omit<NotifyTarget, 'name'>>,
  options: UpdateOptions<DeletableTargetProperty> = {},
): Promise<void> {
  await updateConfig(
    installation,
    FILE,
    ferriteSectionTypes,
    (document) => {
      const before = document.get(notifySection, name) ?? unknownTarget(name);
      const deleted = options.delete ?? [];
      const after = applyChanges<NotifyTarget>(before, changes, deleted, deletableTargetProperties);
      document.replace(notifySection, checkTarget(after));
    },
    options.digest,
  );
}

/** Its secret is forgotten with it. */
export async function removeTarget(installation: Installation, name: string): Promise<void> {
  await updateConfig(installation, FILE, ferriteSectionTypes, async (document) => {
    if (!document.get(notifySection, name)) unknownTarget(name);
    document.remove(name, notifySection);
    await updateConfig(installation, SECRETS, secretSectionTypes, (secrets) => {
      if (secrets.get(secretSection, name)) secrets.remove(name, secretSection);
    });
  });
}

/** What to ask a person for who sets the secret of a target: a FerriteError (`usage`) where the target has none. */
export async function secretPrompt(installation: Installation, name: string): Promise<string> {
  const target = await targetConfig(installation, name);
  if (target.type === 'webhook') return `Token for ${target.url}: `;
  if (target.type === 'smtp' && target.username !== undefined) {
    return `Password of ${target.username} at ${target.server}: `;
  }
  const reason =
    target.type === 'smtp'
      ? `logs in to no mail server: give it a name first, 'proxmox-tape notification update ${name} --username NAME'`
      : 'hands mail to the local sendmail, which asks for no password';
  throw new FerriteError('usage', 'no-secret-needed', `notification target '${name}' ${reason}`);
}

/** The password for the target's mail server, or the token of its webhook. */
export async function setTargetSecret(installation: Installation, name: string, secret: string): Promise<void> {
  await secretPrompt(installation, name);
  await updateConfig(installation, SECRETS, secretSectionTypes, (document) => {
    const value = { name, secret };
    if (document.get(secretSection, name)) document.replace(secretSection, value);
    else document.add(secretSection, value);
  });
}

export async function targetSecret(installation: Installation, name: string): Promise<string | undefined> {
  const document = await readConfig(installation, SECRETS, secretSectionTypes);
  return document.get(secretSection, name)?.secret;
}

/** A user's mail address: PBS's user.cfg, else ferrite.cfg (D19). */
export async function mailAddressOf(installation: Installation, user: string): Promise<string | undefined> {
  const own = await readConfig(installation, FILE, ferriteSectionTypes);
  return (await pbsUsers(installation)).get(userSection, user)?.email ?? own.get(contactSection, user)?.email;
}

/** PBS's file has much that is none of Ferrite's business: nothing in it is worth a notice. */
async function pbsUsers(installation: Installation): Promise<ConfigDocument> {
  const path = installation.paths.configFile('user.cfg');
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return new Uint8Array();
    throw error;
  });
  return new ConfigDocument(bytes, path, userSectionTypes);
}

/** The mail addresses that ferrite.cfg knows. */
export async function listAddresses(installation: Installation): Promise<{ name: string; email: string }[]> {
  return (await readConfig(installation, FILE, ferriteSectionTypes)).list(contactSection);
}

/** Without an address the user's is forgotten. */
export async function setAddress(installation: Installation, name: string, email: string | undefined): Promise<void> {
  await updateConfig(installation, FILE, ferriteSectionTypes, (document) => {
    const exists = document.get(contactSection, name) !== undefined;
    if (email === undefined) {
      if (!exists) throw new FerriteError('usage', 'unknown-user', `ferrite.cfg has no mail address of '${name}'`);
      document.remove(name, contactSection);
    } else if (exists) document.replace(contactSection, { name, email });
    else document.add(contactSection, { name, email });
  });
}
