/** Stands in for ava in a process that runs the same tests over and over: as much of it as the tests of a room use. */
import { AssertionError, deepStrictEqual } from 'node:assert';

export interface LoadedTest {
  readonly title: string;
  run(): Promise<void>;
}

export const loadedTests: LoadedTest[] = [];

interface Expectation {
  code?: string;
  message?: string | RegExp | ((message: string) => boolean);
  instanceOf?: new (...parameters: never[]) => unknown;
  name?: string;
}

function refuse(message: string | undefined): never {
  throw new AssertionError({ message: message ?? 'refused' });
}

function isEqual(a: unknown, b: unknown): boolean {
  try {
    deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

function checkError(error: unknown, expected: Expectation | undefined): unknown {
  if (!expected) return error;
  const { code, message, instanceOf, name } = expected;
  const found = error as { code?: unknown; message?: unknown; name?: unknown };
  const text = String(found.message);
  const fits =
    (code === undefined || found.code === code) &&
    (name === undefined || found.name === name) &&
    (instanceOf === undefined || error instanceof instanceOf) &&
    (message === undefined ||
      (typeof message === 'string'
        ? text === message
        : message instanceof RegExp
          ? message.test(text)
          : message(text)));
  return fits ? error : refuse(`another error: ${text}`);
}

function contains(value: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null) return Object.is(value, expected);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(expected).every(([key, part]) => contains((value as Record<string, unknown>)[key], part));
}

class Context {
  readonly teardowns: (() => unknown)[] = [];

  is = (a: unknown, b: unknown, message?: string): unknown => Object.is(a, b) || refuse(message);
  not = (a: unknown, b: unknown, message?: string): unknown => !Object.is(a, b) || refuse(message);
  true = (value: unknown, message?: string): unknown => value === true || refuse(message);
  false = (value: unknown, message?: string): unknown => value === false || refuse(message);
  truthy = (value: unknown, message?: string): unknown => Boolean(value) || refuse(message);
  falsy = (value: unknown, message?: string): unknown => !value || refuse(message);
  deepEqual = (a: unknown, b: unknown, message?: string): unknown => isEqual(a, b) || refuse(message);
  notDeepEqual = (a: unknown, b: unknown, message?: string): unknown => !isEqual(a, b) || refuse(message);
  like = (value: unknown, expected: unknown, message?: string): unknown => contains(value, expected) || refuse(message);
  regex = (text: string, pattern: RegExp, message?: string): unknown => pattern.test(text) || refuse(message);
  notRegex = (text: string, pattern: RegExp, message?: string): unknown => !pattern.test(text) || refuse(message);
  pass = (): void => {};
  fail = (message?: string): never => refuse(message);
  log = (): void => {};
  timeout = (): void => {};
  teardown = (work: () => unknown): void => void this.teardowns.push(work);

  throws(work: () => unknown, expected?: Expectation, message?: string): unknown {
    let error: unknown;
    try {
      work();
    } catch (thrown) {
      error = thrown ?? new Error();
    }
    return error === undefined ? refuse(message) : checkError(error, expected);
  }

  async throwsAsync(work: Promise<unknown> | (() => Promise<unknown>), expected?: Expectation, message?: string) {
    let error: unknown;
    try {
      await (typeof work === 'function' ? work() : work);
    } catch (thrown) {
      error = thrown ?? new Error();
    }
    return error === undefined ? refuse(message) : checkError(error, expected);
  }

  notThrows(work: () => unknown): unknown {
    return work();
  }

  async notThrowsAsync(work: Promise<unknown> | (() => Promise<unknown>)): Promise<void> {
    await (typeof work === 'function' ? work() : work);
  }
}

function test(title: string, work: (t: Context) => unknown): void {
  loadedTests.push({
    title,
    async run() {
      const context = new Context();
      try {
        await work(context);
      } finally {
        for (const teardown of context.teardowns.reverse()) await teardown();
      }
    },
  });
}

test.serial = test;
test.skip = (): void => {};

export default test;
