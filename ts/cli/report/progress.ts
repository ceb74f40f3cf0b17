/**
 * Progress of a task: one line at the bottom of a terminal, or a line of JSON per event for programs. On anything that is
 * not a terminal the log of the task says enough, and cursor movements would only spoil it.
 */
import type { ProgressEvent } from '../../log.ts';
import { cutToWidth, visible } from './display_width.ts';
import { printJson, toWire } from './json.ts';
import { bytes, percent } from './renderers.ts';
import type { Stream } from './stream.ts';

export type Progress =
  | { readonly kind: 'started'; readonly upid: string }
  | ({ readonly kind: 'progress' } & ProgressEvent)
  | { readonly kind: 'warning'; readonly text: string }
  | { readonly kind: 'error'; readonly code: string; readonly text: string }
  | { readonly kind: 'ended'; readonly upid: string; readonly status: string };

export function progressJson(progress: Progress): string {
  return printJson(toWire(progress), 'declared', false);
}

/** `vm/100/2024-06-05T09:33:20Z  37.50%  1.20 GiB of 3.20 GiB  250.00 MiB/s` */
export function progressText(event: ProgressEvent): string {
  const { activity, fraction, doneBytes, totalBytes, bytesPerSecond } = event;
  const amount = [doneBytes, totalBytes].flatMap((size) => (size === undefined ? [] : [bytes(size, {})])).join(' of ');
  return [
    activity,
    fraction === undefined ? '' : percent(fraction, {}),
    amount,
    bytesPerSecond === undefined ? '' : `${bytes(bytesPerSecond, {})}/s`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

const REDRAW_INTERVAL_MS = 100;
const CLEAR_LINE = '\r\u001b[2K';

export class StatusLine {
  readonly #stream: Stream;
  #shown = false;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #pending: ProgressEvent | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** Events that come faster than anybody reads are dropped in favour of the newest. */
  show(event: ProgressEvent): void {
    if (!this.#stream.isTTY) return;
    this.#pending = event;
    const wait = this.#drawnAt + REDRAW_INTERVAL_MS - performance.now();
    if (wait <= 0) this.#draw();
    else this.#timer ??= setTimeout(() => this.#draw(), wait).unref();
  }

  /** Clears the line so that something else can be printed; the next event draws it again. */
  remove(): void {
    this.#stop();
    if (this.#shown) this.#stream.write(CLEAR_LINE);
    this.#shown = false;
  }

  #draw(): void {
    const event = this.#pending;
    this.#stop();
    if (!event) return;
    const text = visible(progressText(event)).replaceAll('\n', ' ');
    this.#stream.write(CLEAR_LINE + cutToWidth(text, (this.#stream.columns ?? 80) - 1));
    this.#shown = true;
    this.#drawnAt = performance.now();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending = undefined;
  }
}
