import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import test from 'ava';
import { webServer } from '../../jobs/notify/servers.ts';
import { Installed } from '../run.ts';
import { Terminal } from '../terminal.ts';
import { makeSandbox } from './sandbox.ts';

test('create, config, update, list, remove', async (t) => {
  const box = await makeSandbox(t);
  await box.ok(
    t,
    'notification create office --type smtp --server mail.example.com --to a@example.com --event failure',
  );
  t.is(
    await readFile(box.paths.configFile('ferrite.cfg'), 'utf8'),
    'notify: office\n\tevent failure\n\tserver mail.example.com\n\tto a@example.com\n\ttype smtp\n',
  );
  await box.ok(t, 'notification update office --delete event --port 25 --security none');
  t.deepEqual(JSON.parse(await box.ok(t, 'notification config office --output-format json')), {
    name: 'office',
    type: 'smtp',
    to: ['a@example.com'],
    server: 'mail.example.com',
    port: 25,
    security: 'none',
  });
  t.regex(await box.ok(t, 'notification list'), /office │ smtp │ a@example\.com .*everything/);
  await box.ok(t, 'notification remove office');
  t.is(await box.ok(t, 'notification list --output-format json'), '[]\n');
});

test('a pool, a target and a user of one name do not disturb each other', async (t) => {
  const box = await makeSandbox(t);
  await box.ok(t, `drive create drive1 --type virtual --path ${box.root}/tapes`);
  await box.ok(t, 'notification create daily --type webhook --url http://127.0.0.1/');
  await box.ok(t, 'pool create daily --drive drive1');
  await box.ok(t, 'notification remove daily');
  t.is(await box.ok(t, 'pool config daily --output-format json'), '{"drive":"drive1","name":"daily"}\n');
});

test('a secret is in a file that only its owner can read, and nowhere else', async (t) => {
  const box = await makeSandbox(t);
  const { url, requests } = await webServer(t);
  await box.ok(t, `notification create chat --type webhook --url ${url}`);
  const secret = await new Installed(box.root).type('token one\nmore\n', 'notification', 'secret', 'chat');
  t.deepEqual(secret, { code: 0, stdout: '', stderr: '' });
  const path = box.paths.configFile('ferrite-secrets.cfg');
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.notRegex(await readFile(box.paths.configFile('ferrite.cfg'), 'utf8'), /token/);
  const tested = await box.run('notification test chat');
  t.is(tested.code, 0);
  t.is(requests[0]?.headers.authorization, 'Bearer token one');
  await box.ok(t, 'notification remove chat');
  t.is(await readFile(path, 'utf8'), '');
});

test('at a terminal a secret is asked for and not shown', async (t) => {
  const box = await makeSandbox(t);
  const { url, requests } = await webServer(t);
  await box.ok(t, `notification create chat --type webhook --url ${url}`);
  const terminal = new Terminal(box.root, '$PT notification secret chat');
  await terminal.answer(`Token for ${url}: `, 'abc');
  t.is(await terminal.ended, 0, terminal.shown);
  t.is(terminal.shown, `Token for ${url}: ***\r\n`);
  await box.ok(t, 'notification create office --type smtp --server mail.example.com --to a@b.c --username tape');
  const password = new Terminal(box.root, '$PT notification secret office');
  await password.answer('Password of tape at mail.example.com: ', '');
  t.is(await password.ended, 255);
  t.regex(password.shown, /the password is empty: nothing was changed/);
  t.is((await box.run('notification test chat')).code, 0);
  t.is(requests[0]?.headers.authorization, 'Bearer abc');
});

test('a secret is refused where nobody would ask for it, and where there is none', async (t) => {
  const box = await makeSandbox(t);
  const site = new Installed(box.root);
  const refused = async (name: string, input: string) => {
    const { code, stderr } = await site.type(input, 'notification', 'secret', name);
    t.is(code, 255);
    return stderr;
  };
  await box.ok(t, 'notification create local --type sendmail --to a@b.c');
  await box.ok(t, 'notification create office --type smtp --server mail.example.com --to a@b.c');
  await box.ok(t, 'notification create chat --type webhook --url http://127.0.0.1:1/');
  t.regex(await refused('nobody', 'word\n'), /'nobody' does not exist/);
  t.regex(await refused('local', 'word\n'), /'local' hands mail to the local sendmail/);
  t.regex(await refused('office', 'word\n'), /'office' logs in to no mail server: .*--username NAME/);
  t.regex(await refused('chat', ''), /no password: standard input/);
  t.regex(await refused('chat', '\nsecond line\n'), /the password is empty/);
  t.regex(await refused('chat', 'bell \x07\n'), /secret/);
  t.false(existsSync(box.paths.configFile('ferrite-secrets.cfg')));
});

test('addresses of users', async (t) => {
  const box = await makeSandbox(t);
  await box.ok(t, 'notification address root@pam root@example.com');
  await box.ok(t, 'notification address root@pam backup@example.com');
  t.is(await readFile(box.paths.configFile('ferrite.cfg'), 'utf8'), 'user: root@pam\n\temail backup@example.com\n');
  await box.ok(t, 'notification address root@pam');
  t.regex(await box.fails(t, 'notification address root@pam'), /no mail address of 'root@pam'/);
});

test('errors say what is missing', async (t) => {
  const box = await makeSandbox(t);
  t.regex(await box.fails(t, 'notification create office --type smtp'), /smtp target needs 'server', needs 'to'/);
  t.regex(
    await box.fails(t, 'notification create office --type webhook --to a@b.c'),
    /needs 'url', does not know 'to'/,
  );
  t.regex(await box.fails(t, 'notification create office --type sendmail --to nobody'), /mail address/);
  t.regex(
    await box.fails(t, 'notification create chat --type webhook --url http://user:word@host/'),
    /address without/,
  );
  t.regex(await box.fails(t, 'notification test office'), /'office' does not exist/);
  await box.ok(t, 'notification create chat --type webhook --url http://127.0.0.1:1/');
  t.regex(await box.fails(t, 'notification test chat'), /'chat': .*(ECONNREFUSED|bad port)/);
});
