/**
 * The socket of a service manager, as NOTIFY_SOCKET names it. Node has no datagram sockets in the file system; Perl, which
 * every Debian has, listens.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { memoryDirectory } from '../../temporary_installation.ts';

const LISTEN = `
  use Socket;
  $| = 1;
  socket(my $manager, AF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind($manager, pack_sockaddr_un($ARGV[0])) or die $!;
  print "bound\\0";
  while (defined recv($manager, my $message, 65536, 0)) { print "$message\\0" }
`;

export class NotifySocket {
  /** As they came. */
  readonly messages: string[] = [];
  readonly path: string;
  #text = '';
  #waiting: (() => void)[] = [];

  /** Listens until the test ends. */
  static async open(t: ExecutionContext): Promise<NotifySocket> {
    const path = join(memoryDirectory(t), 'notify');
    const child = spawn('perl', ['-e', LISTEN, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(() => child.kill());
    const socket = new NotifySocket(path, child);
    await socket.received(/^bound$/);
    socket.messages.shift();
    return socket;
  }

  private constructor(path: string, child: ChildProcess) {
    this.path = path;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (this.#text + text).split('\0');
      this.#text = parts.pop() ?? '';
      this.messages.push(...parts);
      for (const look of this.#waiting) look();
    });
  }

  /** Resolves with the first message that matches. */
  received(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.messages.find((message) => pattern.test(message));
        if (found !== undefined) resolve(found);
      };
      this.#waiting.push(look);
      look();
    });
  }
}
