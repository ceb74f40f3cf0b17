/**
 * One catalog database in sql.js. It runs in Node and in a browser; the engine is handed in, so that importing this loads
 * nothing.
 */
import type { Database, SqlJsStatic, SqlValue } from 'sql.js';
import { FerriteError } from '../errors.ts';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from './schema.ts';

export type { SqlJsStatic, SqlValue } from 'sql.js';

/** Rows as objects, column names as keys. */
export type Row = Record<string, SqlValue>;

export type SqlParameters = Record<string, SqlValue>;

/**
 * Largest database that is opened: sql.js holds it in the memory of WebAssembly, which ends at 2 GiB in some browsers, and
 * needs room beside it.
 */
export const LARGEST_DATABASE_BYTES = 1_500_000_000;

const MAGIC = 'SQLite format 3\0';

/** The result of a query that a person wrote. */
export interface QueryResult {
  columns: string[];
  rows: SqlValue[][];
}

type Statement = ReturnType<Database['prepare']>;

export class CatalogConnection {
  readonly #database: Database;
  /** To prepare a query takes longer than to answer most of them. */
  readonly #prepared = new Map<string, Statement>();

  private constructor(database: Database) {
    this.#database = database;
    this.#settle();
  }

  /** An empty database of the current version. */
  static create(engine: SqlJsStatic): CatalogConnection {
    const connection = new CatalogConnection(new engine.Database());
    connection.#migrate(0);
    return connection;
  }

  /** Opens a database file and brings it to the current version, in memory. Throws a FerriteError (`data`). */
  static open(engine: SqlJsStatic, bytes: Uint8Array): CatalogConnection {
    checkSize(bytes.length);
    if (new TextDecoder().decode(bytes.subarray(0, 16)) !== MAGIC) {
      throw new FerriteError('data', 'not-sqlite', "this is no SQLite file: open one that 'catalog export' wrote");
    }
    let database: Database | undefined;
    try {
      database = new engine.Database(bytes);
      const connection = new CatalogConnection(database);
      connection.#migrate(connection.#version());
      connection.#checkSchema(engine);
      return connection;
    } catch (error) {
      database?.close();
      throw error instanceof FerriteError ? error : damaged(error);
    }
  }

  #version(): number {
    const pragma = (name: string): unknown => this.#database.exec(`PRAGMA ${name}`)[0]?.values[0]?.[0];
    const [id, version] = [pragma('application_id'), Number(pragma('user_version'))];
    // The first version had no application id.
    if (id !== APPLICATION_ID && !(version === 1 && id === 0 && this.#hasTable('catalog_file'))) {
      const message = "this SQLite file is no catalog of Ferrite: open one that 'catalog export' wrote";
      throw new FerriteError('data', 'foreign-database', message);
    }
    if (version > SCHEMA_VERSION) {
      const message =
        `the catalog was written by a newer Ferrite (schema ${version}, this one knows ${SCHEMA_VERSION}): ` +
        'open it with that one';
      throw new FerriteError('data', 'newer-schema', message);
    }
    return version;
  }

  #hasTable(name: string): boolean {
    return this.rows('SELECT 1 FROM sqlite_master WHERE name = :name', { ':name': name }).length > 0;
  }

  #migrate(from: number): void {
    if (from === SCHEMA_VERSION) return;
    this.transaction(() => {
      for (const migration of MIGRATIONS.slice(from)) this.#database.run(migration);
      this.#database.run(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
    });
  }

  /** What is missing is found now, and not by the first question about it. */
  #checkSchema(engine: SqlJsStatic): void {
    const empty = CatalogConnection.create(engine);
    const found = new Set(this.#schema());
    const whole = empty.#schema().every((statement) => found.has(statement));
    empty.close();
    if (!whole) throw damaged('its tables are not what its version says');
  }

  #schema(): string[] {
    return this.rows('SELECT sql FROM sqlite_master WHERE sql IS NOT NULL').map(({ sql }) => String(sql));
  }

  /** All rows of a query. Parameters are named: `:pool`. */
  rows(text: string, parameters: SqlParameters = {}): Row[] {
    return this.guarded(() => {
      const statement = this.#prepared.get(text) ?? this.#database.prepare(text);
      this.#prepared.set(text, statement);
      try {
        statement.bind(parameters);
        const rows: Row[] = [];
        while (statement.step()) rows.push(statement.getAsObject());
        return rows;
      } finally {
        statement.reset();
      }
    });
  }

  /** The same one by one, for those who may not want all of them. */
  *each(text: string, parameters: SqlParameters = {}): Generator<Row> {
    const statement = this.guarded(() => this.#database.prepare(text));
    try {
      this.guarded(() => statement.bind(parameters));
      while (this.guarded(() => statement.step())) yield statement.getAsObject();
    } finally {
      statement.free();
    }
  }

  /** Reads everything: what a damaged file holds is found now, and not when somebody asks for it. */
  check(): void {
    const [row] = this.rows('PRAGMA quick_check(1)');
    if (row?.quick_check !== 'ok') throw damaged(row?.quick_check);
  }

  /**
   * A query that a person wrote. What would change anything is refused. Throws a FerriteError (`usage`, `bad-query`).
   * `limit` bounds the rows that are taken.
   */
  query(text: string, limit = Number.POSITIVE_INFINITY): QueryResult {
    const word = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(\w*)/.exec(text)?.[1]?.toLowerCase() ?? '';
    if (!['select', 'with', 'values', 'explain'].includes(word)) {
      throw new FerriteError('usage', 'bad-query', 'only queries are possible here: SELECT, WITH, VALUES or EXPLAIN');
    }
    this.#database.run('PRAGMA query_only = ON');
    try {
      return this.#query(text, limit);
    } catch (error) {
      if (error instanceof FerriteError) throw error;
      if (isDamage(error)) throw damaged(error);
      throw new FerriteError('usage', 'bad-query', `the query cannot be answered: ${reasonOf(error)}`, {
        cause: error,
      });
    } finally {
      this.#database.run('PRAGMA query_only = OFF');
    }
  }

  #query(text: string, limit: number): QueryResult {
    let result: QueryResult | undefined;
    for (const statement of this.#database.iterateStatements(text)) {
      if (result) throw new FerriteError('usage', 'bad-query', 'one query at a time');
      result = { columns: statement.getColumnNames(), rows: [] };
      while (result.rows.length < limit && statement.step()) result.rows.push(statement.get());
    }
    return result ?? { columns: [], rows: [] };
  }

  run(text: string, parameters?: SqlValue[]): void {
    this.guarded(() => this.#database.run(text, parameters));
  }

  /** A statement that runs often, inside `guarded`; `free` it. */
  prepare(text: string): Statement {
    return this.#database.prepare(text);
  }

  /** All of it or, when it throws, nothing. */
  transaction<T>(work: () => T): T {
    this.#database.run('BEGIN');
    try {
      const result = work();
      this.#database.run('COMMIT');
      return result;
    } catch (error) {
      this.#database.run('ROLLBACK');
      throw error;
    }
  }

  insertRows(table: string, rows: readonly SqlValue[][]): void {
    const places = (rows[0] ?? []).map(() => '?').join(', ');
    if (places === '') return;
    this.guarded(() => {
      const insert = this.#database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (${places})`);
      try {
        for (const row of rows) insert.run(row);
      } finally {
        insert.free();
      }
    });
  }

  /** The database as a file's bytes. */
  export(): Uint8Array {
    // sql.js closes the database meanwhile: statements and settings are gone.
    this.#prepared.clear();
    const bytes = this.guarded(() => this.#database.export());
    this.#settle();
    return bytes;
  }

  /** What is deleted is overwritten, so that an exported file holds nothing but what is in its tables. */
  #settle(): void {
    this.#database.run('PRAGMA secure_delete = ON');
  }

  /** What SQLite says of a damaged file becomes a FerriteError (`data`, `catalog-damaged`). */
  guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw isDamage(error) ? damaged(error) : error;
    }
  }

  close(): void {
    this.#prepared.clear();
    this.#database.close();
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** SQLITE_CORRUPT and SQLITE_NOTADB, of which sql.js tells the text alone. */
const isDamage = (error: unknown): boolean =>
  /^(database disk image is malformed|file is not a database|malformed database schema)/.test(reasonOf(error));

const damaged = (error: unknown): FerriteError =>
  new FerriteError('data', 'catalog-damaged', `the catalog database is damaged: ${reasonOf(error)}`, { cause: error });

/** Throws a FerriteError (`usage`, `too-large`) for what would not fit into memory: ask before reading. */
export function checkSize(bytes: number): void {
  if (bytes <= LARGEST_DATABASE_BYTES) return;
  const size = `${(bytes / 1e9).toFixed(1)} GB`;
  const message =
    `the catalog has ${size}, more than fits into memory: export less of it with 'catalog export ` +
    "--media-set', '--pool' or '--since'";
  throw new FerriteError('usage', 'too-large', message);
}
