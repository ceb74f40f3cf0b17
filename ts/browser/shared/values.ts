/** Sizes, times and counts as people read them. */

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

/** Decimal, as tapes are sold: `1.5 TB`. */
export function size(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  const digits = unit === 0 || value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

const pad = (value: number): string => String(value).padStart(2, '0');

/** Local time: `2024-06-05 11:38`. */
export function time(epoch: number): string {
  const date = new Date(epoch * 1000);
  if (Number.isNaN(date.getTime())) return String(epoch);
  return `${day(epoch)} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** Local date: `2024-06-05`. */
export function day(epoch: number): string {
  const date = new Date(epoch * 1000);
  if (Number.isNaN(date.getTime())) return String(epoch);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** `1 tape`, `12 345 tapes` (with thin spaces). */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${digits(number)} ${number === 1 ? one : many}`;
}

export const digits = (number: number): string => String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f');
