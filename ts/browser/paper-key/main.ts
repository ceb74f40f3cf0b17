/**
 * A page that opens a key, tries a password on it, and prints it, on any machine with a browser and without a network. The key
 * stays under its password: what is shown is what stands on paper. A password is taken out of its field as bytes at once; the
 * Rust core wipes them.
 */
import init, { checkKeyPassword, type KeyFile, makePaperKey, openKeyFile } from '#wasm';
import { byId, h } from '../shared/dom.ts';
import { embeddedBytes } from '../shared/embedded.ts';
import { themeButton } from '../shared/theme.ts';
import { visible } from '../shared/visible.ts';

const file = byId('file') as HTMLInputElement;
const typed = byId('typed') as HTMLTextAreaElement;
const subject = byId('subject') as HTMLInputElement;
const password = byId('password') as HTMLInputElement;
const paper = byId('paper');

/** The key that was opened, as bytes of its file. */
let opened: Uint8Array | undefined;

const encoder = new TextEncoder();

/** Longest file that is read: a page with its picture is far below. */
const MAX_BYTES = 4 * 1024 * 1024;

function say(id: string, text: string, kind: 'good' | 'bad' | '' = ''): void {
  const element = byId(id);
  element.textContent = text;
  element.className = kind;
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

function show(id: string, isShown: boolean): void {
  byId(id).hidden = !isShown;
}

function forget(): void {
  opened = undefined;
  for (const id of ['key-step', 'check-step', 'print-step', 'paper']) show(id, false);
  say('verdict', '');
}

function open(bytes: Uint8Array): void {
  forget();
  let key: KeyFile;
  try {
    key = openKeyFile(bytes);
  } catch (thrown) {
    say('status', `This is no key that can be read: ${visible(messageOf(thrown))}`, 'bad');
    return;
  }
  showFacts(key);
  if (key.kdf === 'none') {
    say('status', 'This key has no password: whoever sees it has it. It is not printed.', 'bad');
    return;
  }
  opened = bytes;
  say('status', 'The key was read.', 'good');
  show('check-step', true);
  show('print-step', true);
  drawPaper();
}

function showFacts({ fingerprint, hint, kdf, created, modified }: KeyFile): void {
  const time = (epoch: number) => new Date(epoch * 1000).toLocaleString();
  const facts = [
    ['Fingerprint', fingerprint ?? '(the file does not name it)'],
    ['Password hint', hint ?? '(none)'],
    ['Protection', kdf],
    ['Made', time(created)],
    ['Password of', time(modified)],
  ] as const;
  byId('facts').replaceChildren(
    ...facts.flatMap(([name, value]) => [
      h('dt', { class: 'muted' }, name),
      h('dd', { class: 'mono' }, visible(value)),
    ]),
  );
  show('key-step', true);
}

/** The paper key in both forms. */
let forms = { text: '', page: '' };

function save(text: string, name: string, type: string): void {
  const href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  h('a', { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** What is printed, and what can be saved, is what `proxmox-tape key paperkey` makes. */
function drawPaper(): void {
  if (!opened) return;
  const title = subject.value.trim() || undefined;
  try {
    const text = makePaperKey(opened, 'text', title);
    const page = makePaperKey(opened, 'html', title);
    const [picture] = /data:image\/svg\+xml;base64,[A-Za-z0-9+/]+/.exec(page) ?? [];
    if (picture === undefined) throw new Error('the page of the key has no QR code');
    forms = { text, page };
    const end = '-----END PROXMOX BACKUP KEY-----';
    const readable = text.slice(0, text.indexOf(end) + end.length);
    paper.replaceChildren(h('pre', {}, readable), h('img', { src: picture, alt: 'QR code of the key' }));
    show('paper', true);
  } catch (thrown) {
    show('paper', false);
    say('status', visible(messageOf(thrown)), 'bad');
  }
}

async function check(): Promise<void> {
  const bytes = encoder.encode(password.value);
  password.value = '';
  if (!opened) return;
  say('verdict', 'Checking…');
  // A second or so in which the page could not be drawn.
  await new Promise((resolve) => setTimeout(resolve, 30));
  try {
    say('verdict', `The password opens key ${checkKeyPassword(opened, bytes)}.`, 'good');
  } catch (thrown) {
    say('verdict', visible(messageOf(thrown)), 'bad');
  }
}

async function openFile(chosen: File | undefined): Promise<void> {
  if (!chosen) return;
  if (chosen.size > MAX_BYTES) {
    forget();
    say('status', 'This file is too long for a key.', 'bad');
    return;
  }
  open(new Uint8Array(await chosen.arrayBuffer()));
}

async function start(): Promise<void> {
  themeButton(byId('theme'));
  await init({ module_or_path: await embeddedBytes('ferrite-wasm') });
  file.addEventListener('change', () => void openFile(file.files?.[0]));
  byId('read').addEventListener('click', () => open(encoder.encode(typed.value)));
  subject.addEventListener('input', drawPaper);
  byId('print').addEventListener('click', () => print());
  byId('save-text').addEventListener('click', () => save(forms.text, 'paper-key.txt', 'text/plain'));
  byId('save-page').addEventListener('click', () => save(forms.page, 'paper-key.html', 'text/html'));
  byId('check').addEventListener('submit', (event) => {
    event.preventDefault();
    void check();
  });
  document.documentElement.dataset.ready = 'yes';
}

start().catch((thrown) => say('status', `The page cannot work here: ${messageOf(thrown)}`, 'bad'));
