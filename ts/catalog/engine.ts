/** sql.js in Node, loaded once and only when it is needed. */
import type { SqlJsStatic } from 'sql.js';

let engine: Promise<SqlJsStatic> | undefined;

export function sqlEngine(): Promise<SqlJsStatic> {
  engine ??= import('sql.js').then(({ default: initSqlJs }) => initSqlJs());
  return engine;
}
