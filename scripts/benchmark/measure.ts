/** Runs a program and observes it: time, processor time, memory, and how busy the machine was with other things. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { FerriteError } from '../../ts/errors.ts';

export interface Sample {
  /** Of the measured work, without the start of its process. */
  wallSeconds: number;
  /** User and system time of the whole process. */
  cpuSeconds: number;
  /** Most anonymous memory of the process; 0 where it was not looked at. */
  peakAnonymousBytes: number;
  /** Share of the machine's processor time that others used meanwhile. */
  othersShare: number;
}

/** A sample, and what the program has to say. */
export interface Measured {
  sample: Sample;
  value: unknown;
}

const SAMPLING_MS = 25;
const CLOCK_TICKS = 100;

/** Runs a program whose last line of output is JSON: `{ "wallSeconds", "cpuSeconds", ["value"] }`. */
export async function measureProgram(command: string, args: readonly string[]): Promise<Measured> {
  const before = machineBusySeconds();
  const started = performance.now();
  const { output, peakAnonymousBytes } = await run(command, args);
  const elapsed = (performance.now() - started) / 1000;
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  const { wallSeconds, cpuSeconds, value } = JSON.parse(last) as {
    wallSeconds: number;
    cpuSeconds: number;
    value?: unknown;
  };
  const others = machineBusySeconds() - before - cpuSeconds;
  const othersShare = Math.max(0, others / (elapsed * cpus().length));
  return { sample: { wallSeconds, cpuSeconds, peakAnonymousBytes, othersShare }, value };
}

/** Runs a line of shell; wall and processor time are those of all its processes. */
export async function measureShell(script: string, ...args: string[]): Promise<Sample> {
  const timed = `TIMEFORMAT='{"wallSeconds":%R,"user":%U,"system":%S}'; { time { ${script}; } 2>&3; } 3>&2 2>&1`;
  const before = machineBusySeconds();
  const { output } = await run('bash', ['-euo', 'pipefail', '-c', timed, 'measure', ...args]);
  const { wallSeconds, user, system } = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Record<
    'wallSeconds' | 'user' | 'system',
    number
  >;
  const cpuSeconds = user + system;
  const others = machineBusySeconds() - before - cpuSeconds;
  const othersShare = Math.max(0, others / (wallSeconds * cpus().length));
  return { wallSeconds, cpuSeconds, peakAnonymousBytes: 0, othersShare };
}

/** Runs a program to its end; its failure is an error. */
export async function run(
  command: string,
  args: readonly string[],
): Promise<{ output: string; peakAnonymousBytes: number }> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  let peakAnonymousBytes = 0;
  const timer = setInterval(() => {
    peakAnonymousBytes = Math.max(peakAnonymousBytes, anonymousBytes(child.pid ?? 0));
  }, SAMPLING_MS);
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    const output = Buffer.concat(pieces).toString();
    if (status !== 0) {
      throw new FerriteError(
        'system',
        'failed-run',
        `${command} ${args.join(' ')} ended with status ${status}\n${output}`,
      );
    }
    return { output, peakAnonymousBytes };
  } finally {
    clearInterval(timer);
  }
}

/** Anonymous memory of a process now; 0 when it is gone. */
export function anonymousBytes(pid: number | 'self'): number {
  try {
    const match = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(match?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Everything the processors did but idling, in seconds since the machine started. */
function machineBusySeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softIrq + steal) / CLOCK_TICKS;
}
