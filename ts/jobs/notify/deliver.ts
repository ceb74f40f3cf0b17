/**
 * Delivers messages by mail and webhook. A message that does not get through is an error here; what that means is decided
 * by the caller. Mail is nodemailer's, loaded when the first one is sent.
 */
import { hostname } from 'node:os';
import type { Installation } from '../../config/installation.ts';
import { mailAddressOf, targetSecret } from '../../config/notify.ts';
import type { NotifyTarget } from '../../config/notify_sections.ts';
import { DEFAULT_SENDMAIL } from '../../config/notify_sections.ts';
import { FerriteError } from '../../errors.ts';
import type { Message } from './message.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 30_000;

/** How severe each event is, in the words that webhooks of PBS use. */
const SEVERITIES = { request: 'notice', success: 'info', warning: 'warning', failure: 'error' } as const;

/** Rejects with a FerriteError (`notification-failed`) that names the target and what was wrong. */
export async function deliver(installation: Installation, target: NotifyTarget, message: Message): Promise<void> {
  try {
    const secret = await targetSecret(installation, target.name);
    if (target.type === 'webhook') await post(target, message, secret, Math.floor(installation.clock()));
    else await mail(installation, target, message, secret);
  } catch (error) {
    const problem = `notification target '${target.name}': ${reasonOf(error)}`;
    throw new FerriteError('system', 'notification-failed', `${problem} ('${message.title}' was not delivered)`, {
      cause: error,
    });
  }
}

/** Of libraries: their words. Failures of fetch carry the reason as their cause. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof FerriteError) return thrown.message;
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? `${thrown.message}: ${thrown.cause.message}` : thrown.message;
}

async function mail(
  installation: Installation,
  target: NotifyTarget,
  message: Message,
  secret: string | undefined,
): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const transport =
    target.type === 'sendmail'
      ? createTransport({ sendmail: true, newline: 'unix', path: target.program ?? DEFAULT_SENDMAIL })
      : createTransport(smtpOptions(target, secret));
  try {
    await transport.sendMail({
      from: { name: 'Ferrite', address: target.from ?? `root@${hostname()}` },
      to: await recipients(installation, target),
      subject: message.title,
      text: message.text,
      headers: { 'Auto-Submitted': 'auto-generated' },
      disableUrlAccess: true,
      disableFileAccess: true,
    });
  } finally {
    transport.close();
  }
}

function smtpOptions(target: NotifyTarget, secret: string | undefined) {
  const security = target.security ?? 'tls';
  const defaultPort = { tls: 465, starttls: 587, none: 25 }[security];
  return {
    host: target.server ?? '',
    port: target.port ?? defaultPort,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: ANSWER_TIMEOUT_MS,
    ...(target.username !== undefined && { auth: { user: target.username, pass: secret ?? '' } }),
  };
}

async function recipients(installation: Installation, target: NotifyTarget): Promise<string[]> {
  const addresses = [...(target.to ?? [])];
  const missing: string[] = [];
  for (const user of target['to-user'] ?? []) {
    const address = await mailAddressOf(installation, user);
    if (address === undefined) missing.push(user);
    else addresses.push(address);
  }
  if (addresses.length > 0) return [...new Set(addresses)];
  throw new FerriteError('usage', 'no-address', `no mail address of ${missing.join(', ')} is known`);
}

async function post(
  target: NotifyTarget,
  message: Message,
  secret: string | undefined,
  timestamp: number,
): Promise<void> {
  const headers = new Headers({ 'content-type': 'application/json' });
  for (const line of target.header ?? []) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  if (secret !== undefined) headers.set('authorization', `Bearer ${secret}`);
  const { title, text, type, event, fields } = message;
  const body = JSON.stringify({ title, message: text, severity: SEVERITIES[event], event, type, timestamp, fields });
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const answer = await fetch(target.url ?? '', { method: 'POST', headers, body, signal, redirect: 'error' });
  await answer.body?.cancel();
  if (!answer.ok) {
    const status = `${answer.status} ${answer.statusText}`.trim();
    throw new FerriteError('system', 'webhook-refused', `${target.url} answered ${status}`);
  }
}
