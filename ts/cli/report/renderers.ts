/** Values as people read them (cli.md 2.3). Renderers see absent values too: some have words for absence. */
export type Renderer = (value: unknown, row: Readonly<Record<string, unknown>>) => string;

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

const ifPresent =
  (render: (value: unknown) => string): Renderer =>
  (value) =>
    value === undefined || value === null ? '' : render(value);

/** Local time as `%c` of the C locale: `Wed Jan  6 09:07:51 2021`. */
export const epoch = ifPresent((value) => {
  const date = new Date(Number(value) * 1000);
  if (Number.isNaN(date.getTime())) return String(value);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = String(date.getDate()).padStart(2);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${day} ${time} ${date.getFullYear()}`;
});

/** A name of a file, which may hold line breaks. */
export const oneLine = ifPresent((value) => String(value).replaceAll('\n', '\\x0a'));

/** `512 B`, `2.50 GiB` */
export const bytes = ifPresent((value) => {
  let size = Number(value);
  if (Math.abs(size) < 1024) return `${size} B`;
  let unit = -1;
  while (Math.abs(size) >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${size.toFixed(2)} ${UNITS[unit]}`;
});

/** A share of 1 as `12.34%`. */
export const percent = ifPresent((value) => `${(Number(value) * 100).toFixed(2)}%`);

export const presence =
  (present: string, absent: string): Renderer =>
  (value) =>
    value ? present : absent;

/** A key fingerprint, or none. */
export const encrypt = presence('yes', 'no');

export const catalog = presence('ok', 'missing');

/** `expired` says more than `full` or `writable`, but not more than that the tape cannot be used. */
export const mediaStatus: Renderer = (value, row) =>
  row.expired && value !== 'damaged' && value !== 'retired' ? 'expired' : String(value ?? '');

/** What a library says about one of its elements: nothing in it, something without a barcode, or the barcode. */
export const elementLabel: Renderer = (value) => (value === '' ? '--FULL--' : String(value ?? ''));
