/**
 * Who is told, and how: `notify:` and `user:` sections of ferrite.cfg, their passwords in ferrite-secrets.cfg, and of PBS's
 * user.cfg what mail needs. PBS has files of its own for this (notifications.cfg), which Ferrite leaves alone.
 */
import Type from 'typebox';
import { FerriteError } from '../errors.ts';
import { comment, safeId, singleLine, userId } from './identifiers.ts';
import { checkSection, type SectionOf, type SectionType } from './section_types.ts';

export const DEFAULT_SENDMAIL = '/usr/sbin/sendmail';

export const targetName = safeId(2, 32, { description: 'Name of the notification target.' });

/** What a mail server is asked to deliver to; whether there is such a person only it can tell. */
export const mailAddress = Type.String({
  pattern: '^[^\\s@<>,;:"()\\[\\]\\\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$',
  minLength: 3,
  maxLength: 254,
  patternHint: 'a mail address, name@host',
  description: 'Mail address.',
});

/** `request`: something is to be done by hand (insert a tape, take tapes out, clean). The others: how jobs ended. */
export const notifyEvent = Type.Enum(['request', 'success', 'warning', 'failure']);

export const targetType = Type.Enum(['smtp', 'sendmail', 'webhook'], {
  description: 'How messages are delivered: by a mail server, by the local sendmail, or by an HTTP request.',
});

export const notifySection = {
  type: 'notify',
  idProperty: 'name',
  ownNames: true,
  schema: Type.Object({
    name: targetName,
    type: targetType,
    to: Type.Optional(
      Type.Array(mailAddress, { description: 'Mail address of a recipient; may be given several times.' }),
    ),
    'to-user': Type.Optional(
      Type.Array(userId, { description: 'User whose mail address receives messages; may be given several times.' }),
    ),
    from: Type.Optional(mailAddress),
    server: Type.Optional(singleLine(1, 255, { description: 'Name or address of the mail server.' })),
    port: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65535,
        description: 'Port of the mail server; by default 465 with tls, 587 with starttls, else 25.',
      }),
    ),
    security: Type.Optional(
      Type.Enum(['tls', 'starttls', 'none'], {
        default: 'tls',
        description: 'Encryption on the way to the mail server.',
      }),
    ),
    username: Type.Optional(singleLine(1, 255, { description: 'Name to log in to the mail server with.' })),
    program: Type.Optional(
      Type.String({
        pattern: '^/[^\\u0000-\\u001f]*$',
        maxLength: 4096,
        patternHint: 'an absolute path',
        default: DEFAULT_SENDMAIL,
        description: 'Path of the local sendmail.',
      }),
    ),
    url: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s/?#@]+(?:[/?#]\\S*)?$',
        maxLength: 2048,
        patternHint: 'an http:// or https:// address without user and password',
        description: 'Address of a webhook.',
      }),
    ),
    header: Type.Optional(
      Type.Array(
        Type.String({
          pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+:[ -~]*$",
          maxLength: 1024,
          patternHint: 'Name: value',
        }),
        { description: 'Header of the HTTP request; may be given several times.' },
      ),
    ),
    event: Type.Optional(
      Type.Array(notifyEvent, {
        description:
          'What is told (request, success, warning, failure); may be given several times; by default everything.',
      }),
    ),
    disable: Type.Optional(Type.Boolean({ description: 'Tell nothing to this target.' })),
    comment: Type.Optional(comment),
  }),
} satisfies SectionType;
export type NotifyTarget = SectionOf<typeof notifySection>;

/** The mail address of a user whom PBS's user.cfg does not know (D19). */
export const contactSection = {
  type: 'user',
  idProperty: 'name',
  ownNames: true,
  schema: Type.Object({ name: userId, email: mailAddress }),
} satisfies SectionType;

/** Of ferrite-secrets.cfg: the password for a mail server, or the bearer token of a webhook. */
export const secretSection = {
  type: 'notify',
  idProperty: 'name',
  ownNames: true,
  schema: Type.Object({ name: targetName, secret: singleLine(1, 1024, { description: 'Password or token.' }) }),
} satisfies SectionType;
export const secretSectionTypes = [secretSection] as const;

/** Of PBS's user.cfg, which is only read. */
export const userSection = {
  type: 'user',
  idProperty: 'name',
  tolerant: true,
  schema: Type.Object({ name: userId, email: Type.Optional(mailAddress) }),
} satisfies SectionType;
export const userSectionTypes = [userSection] as const;

const MAIL_PROPERTIES = ['to', 'to-user', 'from'] as const;
const SMTP_PROPERTIES = ['server', 'port', 'security', 'username'] as const;
const SENDMAIL_PROPERTIES = ['program'] as const;
const WEBHOOK_PROPERTIES = ['url', 'header'] as const;

const REQUIRED = { smtp: ['server'], sendmail: [], webhook: ['url'] } as const;
const REFUSED = {
  smtp: [...SENDMAIL_PROPERTIES, ...WEBHOOK_PROPERTIES],
  sendmail: [...SMTP_PROPERTIES, ...WEBHOOK_PROPERTIES],
  webhook: [...MAIL_PROPERTIES, ...SMTP_PROPERTIES, ...SENDMAIL_PROPERTIES],
} as const;

/** What the schema cannot say: which properties belong to which type. */
export function checkTarget(value: Record<string, unknown>): NotifyTarget {
  const target = checkSection(notifySection, value);
  const problems = [
    ...REQUIRED[target.type].filter((key) => target[key] === undefined).map((key) => `needs '${key}'`),
    ...REFUSED[target.type].filter((key) => target[key] !== undefined).map((key) => `does not know '${key}'`),
  ];
  if (target.type !== 'webhook' && !target.to?.length && !target['to-user']?.length) {
    problems.push("needs 'to' or 'to-user'");
  }
  if (problems.length === 0) return target;
  const message = `a ${target.type} target ${problems.join(', ')}`;
  throw new FerriteError('usage', 'bad-parameter', `notification target '${target.name}': ${message}`);
}
