import Type from 'typebox';
import type { QueryResult, SqlValue } from '../../../catalog/connection.ts';
import { defineCommand } from '../../grammar/command.ts';
import type { Output } from '../../grammar/output.ts';
import { outputFormat, progress } from '../../parameters.ts';
import { lookInside, lookInsideRequest } from './parameters.ts';

/** A table whose columns are those of the query, in its order. */
const queryResult: Output<QueryResult> = {
  kind: 'table',
  formatted: true,
  show: (report, { columns, rows }) => {
    const names = distinct(columns);
    const values = rows.map((row) => Object.fromEntries(names.map((name, at) => [name, cell(row[at])])));
    report.table(
      values,
      names.map((name) => ({ name })),
      { sortBy: [] },
    );
  },
};

/** `name`, `name_2` where a query names two columns alike. */
function distinct(columns: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return columns.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}_${count}`;
  });
}

const cell = (value: SqlValue | undefined): string | number | null =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : (value ?? null);

export default defineCommand({
  summary: 'Ask the catalog a question in SQL.',
  details:
    'The tables are media, media_set, snapshot, archive, listing, snapshot_file, share, directory and entry; ' +
    '`SELECT sql FROM sqlite_master` describes them. Only what reads is possible, and it works on a copy.',
  examples: [
    [
      'catalog query "SELECT label_text, count(*) FROM media JOIN snapshot ON media_uuid = uuid GROUP BY 1"',
      'Snapshots per tape:',
    ],
  ],
  positionals: { sql: Type.String({ minLength: 1, description: 'One query.' }) },
  options: { ...lookInside, 'output-format': outputFormat, progress },
  output: queryResult,
  async run({ sql, ...request }, { installation, report }) {
    const { queryCatalog } = await import('../../../jobs/catalog/questions.ts');
    const look = await lookInsideRequest(request);
    return report.work((log) => queryCatalog(installation, { ...look, sql }, log));
  },
});
