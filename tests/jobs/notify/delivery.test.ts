/** Messages arrive at a real mail server, a real web server, and a sendmail program; what does not is an error with a reason. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Installation } from '../../../ts/config/installation.ts';
import { createTarget, setAddress, setTargetSecret } from '../../../ts/config/notify.ts';
import type { NotifyTarget } from '../../../ts/config/notify_sections.ts';
import { deliver } from '../../../ts/jobs/notify/deliver.ts';
import type { Message } from '../../../ts/jobs/notify/message.ts';
import { temporaryDirectory, temporaryInstallation } from '../../temporary_installation.ts';
import { mailServer, webServer } from './servers.ts';

const MESSAGE: Message = {
  event: 'request',
  type: 'tape-load',
  title: "Insert tape 'T1' into drive 'd1' – now",
  text: 'Backup job waits.\n\nTape:  T1\n.\nend\n',
  fields: { hostname: 'host1', 'job-id': 'job1' },
};

async function send(t: ExecutionContext, target: Omit<NotifyTarget, 'name'>, secret?: string): Promise<Installation> {
  const installation = temporaryInstallation(t);
  await createTarget(installation, { name: 'office', ...target });
  if (secret !== undefined) await setTargetSecret(installation, 'office', secret);
  await deliver(installation, { name: 'office', ...target }, MESSAGE);
  return installation;
}

/** Subject and body of a mail, decoded. */
function decoded(content: string): { subject: string; body: string } {
  const [head = '', ...rest] = content.split('\r\n\r\n');
  const subject = /^Subject: (.*(?:\r\n\s.*)*)/m.exec(head)?.[1] ?? '';
  const words = subject
    .replaceAll(/\?=\s+=\?UTF-8\?Q\?/g, '')
    .replaceAll(/=\?UTF-8\?Q\?(.*?)\?=/g, (_, text) => unquote(text.replaceAll('_', ' ')));
  const body = rest.join('\r\n\r\n');
  return { subject: words, body: /quoted-printable/.test(head) ? unquote(body.replaceAll('=\r\n', '')) : body };
}

function unquote(text: string): string {
  const bytes = text.replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

test('mail by SMTP, without encryption where that is asked for', async (t) => {
  const server = await mailServer(t, { disabledCommands: ['STARTTLS'] });
  const to = ['a@example.com', 'b@example.com'];
  await send(t, {
    type: 'smtp',
    server: '127.0.0.1',
    port: server.port,
    security: 'none',
    to,
    from: 'tape@example.com',
  });
  const [mail] = server.mails;
  t.like(mail, { from: 'tape@example.com', user: undefined, encrypted: false });
  t.deepEqual(mail?.to, to);
  const { subject, body } = decoded(mail?.content ?? '');
  t.is(subject, MESSAGE.title);
  t.is(body.trimEnd(), MESSAGE.text.trimEnd().replaceAll('\n', '\r\n'));
});

test('a user with a password, whose address ferrite.cfg knows', async (t) => {
  const users: string[] = [];
  const server = await mailServer(t, {
    authOptional: false,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth({ username, password }, _session, done) {
      users.push(`${username}:${password}`);
      if (password === 'secret word') done(null, { user: username });
      else done(new Error('wrong password'));
    },
  });
  const installation = temporaryInstallation(t);
  await setAddress(installation, 'root@pam', 'root@example.com');
  const target: NotifyTarget = {
    name: 'office',
    type: 'smtp',
    server: '127.0.0.1',
    port: server.port,
    security: 'none',
    username: 'tape',
    'to-user': ['root@pam', 'nobody@pam'],
  };
  await createTarget(installation, target);
  const wrong = await t.throwsAsync(deliver(installation, target, MESSAGE), { code: 'notification-failed' });
  t.regex(wrong.message, /'office'.*was not delivered/);
  await setTargetSecret(installation, 'office', 'secret word');
  await deliver(installation, target, MESSAGE);
  t.deepEqual(users.at(-1), 'tape:secret word');
  t.deepEqual(server.mails[0]?.to, ['root@example.com']);
  const secrets = installation.paths.configFile('ferrite-secrets.cfg');
  t.is(statSync(secrets).mode & 0o777, 0o600);
  t.notRegex(readFileSync(installation.paths.configFile('ferrite.cfg'), 'utf8'), /secret word/);
});

test('an address that nobody knows', async (t) => {
  const installation = temporaryInstallation(t);
  const target: NotifyTarget = { name: 'office', type: 'smtp', server: '127.0.0.1', 'to-user': ['who@pam'] };
  await t.throwsAsync(deliver(installation, target, MESSAGE), { message: /no mail address of who@pam is known/ });
});

for (const security of ['tls', 'starttls'] as const) {
  test(`${security}: a certificate that nobody vouches for is refused, and nothing was sent`, async (t) => {
    const folder = temporaryDirectory(t);
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', [...request, '-keyout', key, '-out', cert, '-subj', '/CN=localhost'], { stdio: 'ignore' });
    const files = { key: readFileSync(key), cert: readFileSync(cert) };
    const server = await mailServer(t, { secure: security === 'tls', ...files });
    const target: Omit<NotifyTarget, 'name'> = { type: 'smtp', server: '127.0.0.1', security, to: ['a@example.com'] };
    await t.throwsAsync(send(t, { ...target, port: server.port }), { message: /certificate/i });
    t.deepEqual(server.mails, []);
  });
}

test('starttls: a server without it gets no mail', async (t) => {
  const server = await mailServer(t, { disabledCommands: ['STARTTLS'] });
  const target = { type: 'smtp', server: '127.0.0.1', port: server.port, security: 'starttls' } as const;
  await t.throwsAsync(send(t, { ...target, to: ['a@example.com'] }), { code: 'notification-failed' });
  t.deepEqual(server.mails, []);
});

test('a server that is not there, and one that refuses the recipient', async (t) => {
  const free = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => free.once('listening', resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const target: Omit<NotifyTarget, 'name'> = {
    type: 'smtp',
    server: '127.0.0.1',
    security: 'none',
    to: ['a@example.com'],
  };
  await t.throwsAsync(send(t, { ...target, port }), { message: /target 'office': .*ECONNREFUSED/ });
  const server = await mailServer(t, {
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, done) => done(new Error('no such person')),
  });
  await t.throwsAsync(send(t, { ...target, port: server.port }), { message: /no such person/ });
});

test('mail by a local sendmail', async (t) => {
  const folder = temporaryDirectory(t);
  const program = join(folder, 'sendmail');
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$@" >${folder}/arguments\ncat >${folder}/mail\n`);
  chmodSync(program, 0o755);
  await send(t, { type: 'sendmail', to: ['root@localhost.example'], program });
  t.regex(readFileSync(join(folder, 'arguments'), 'utf8'), /^root@localhost\.example$/m);
  const mail = readFileSync(join(folder, 'mail'), 'utf8');
  t.regex(mail, /^To: root@localhost\.example$/m);
  t.regex(mail, /^Auto-Submitted: auto-generated$/m);
  writeFileSync(program, '#!/bin/sh\ncat >/dev/null\nexit 75\n');
  await t.throwsAsync(send(t, { type: 'sendmail', to: ['a@example.com'], program }), { message: /75/ });
  await t.throwsAsync(send(t, { type: 'sendmail', to: ['a@example.com'], program: join(folder, 'none') }), {
    code: 'notification-failed',
  });
  t.true(existsSync(program));
});

test('a webhook', async (t) => {
  const { url, requests } = await webServer(t);
  await send(t, { type: 'webhook', url: `${url}?room=tape`, header: ['X-Tape: yes: really'] }, 'token1');
  const [request] = requests;
  t.is(request?.method, 'POST');
  t.is(request?.path, '/hook?room=tape');
  t.like(request?.headers, {
    'content-type': 'application/json',
    'x-tape': 'yes: really',
    authorization: 'Bearer token1',
  });
  t.deepEqual(request?.body, {
    title: MESSAGE.title,
    message: MESSAGE.text,
    severity: 'notice',
    event: 'request',
    type: 'tape-load',
    timestamp: 1_700_000_000,
    fields: MESSAGE.fields,
  });
});

for (const status of [302, 403, 500] as const) {
  test(`a webhook that answers ${status} has not taken the message`, async (t) => {
    const { url } = await webServer(t, status);
    await t.throwsAsync(send(t, { type: 'webhook', url }), { code: 'notification-failed' });
  });
}
