import test from 'ava';
import fc from 'fast-check';
import { displayWidth } from '../../../ts/cli/report/display_width.ts';
import { epoch } from '../../../ts/cli/report/renderers.ts';
import { type Column, listTable, recordTable, sortRows, type TableStyle } from '../../../ts/cli/report/table.ts';

const style: TableStyle = { border: true, header: true, ascii: false, columns: undefined };

// manual.txt, `changer status`
const statusColumns: Column<string>[] = [
  { name: 'entry-kind' },
  { name: 'entry-id', type: 'integer' },
  { name: 'label-text', header: 'changer-id' },
  { name: 'loaded-slot', type: 'integer' },
];
const status = [
  { 'entry-kind': 'drive', 'entry-id': 0, 'label-text': 'vtape1', 'loaded-slot': 1 },
  { 'entry-kind': 'slot', 'entry-id': 1, 'label-text': null },
  { 'entry-kind': 'slot', 'entry-id': 16, 'label-text': 'vtape2' },
];

test("the manual's table", (t) => {
  t.deepEqual(listTable(status, statusColumns, style), [
    '┌────────────┬──────────┬────────────┬─────────────┐',
    '│ entry-kind │ entry-id │ changer-id │ loaded-slot │',
    '╞════════════╪══════════╪════════════╪═════════════╡',
    '│ drive      │        0 │ vtape1     │           1 │',
    '├────────────┼──────────┼────────────┼─────────────┤',
    '│ slot       │        1 │            │             │',
    '├────────────┼──────────┼────────────┼─────────────┤',
    '│ slot       │       16 │ vtape2     │             │',
    '└────────────┴──────────┴────────────┴─────────────┘',
  ]);
});

test('ASCII, without header, without border', (t) => {
  t.deepEqual(listTable(status.slice(0, 2), statusColumns, { ...style, ascii: true }), [
    '+============+==========+============+=============+',
    '| entry-kind | entry-id | changer-id | loaded-slot |',
    '+============+==========+============+=============+',
    '| drive      |        0 | vtape1     |           1 |',
    '+------------+----------+------------+-------------+',
    '| slot       |        1 |            |             |',
    '+============+==========+============+=============+',
  ]);
  t.deepEqual(listTable(status.slice(1), statusColumns, { ...style, header: false }), [
    '┌──────┬────┬────────┬──┐',
    '│ slot │  1 │        │  │',
    '├──────┼────┼────────┼──┤',
    '│ slot │ 16 │ vtape2 │  │',
    '└──────┴────┴────────┴──┘',
  ]);
  t.deepEqual(listTable(status.slice(1), statusColumns, { ...style, border: false, header: false }), [
    'slot  1        ',
    'slot 16 vtape2 ',
  ]);
});

test('nothing to list prints nothing', (t) => {
  t.deepEqual(listTable([], statusColumns, style), []);
});

test("the manual's table of one object", (t) => {
  const columns = [
    { name: 'label-text', header: 'changer-id' },
    { name: 'ctime', type: 'integer', render: epoch },
    { name: 'pool' },
  ] as const;
  const time = new Date(2021, 0, 6, 9, 7, 51).getTime() / 1000;
  t.deepEqual(recordTable({ 'label-text': 'vtape1', ctime: time }, columns, style), [
    '┌────────────┬──────────────────────────┐',
    '│ Name       │ Value                    │',
    '╞════════════╪══════════════════════════╡',
    '│ changer-id │ vtape1                   │',
    '├────────────┼──────────────────────────┤',
    '│ ctime      │ Wed Jan  6 09:07:51 2021 │',
    '└────────────┴──────────────────────────┘',
  ]);
});

test('an object of numbers is right aligned; a required null has an empty value', (t) => {
  const numbers = [
    { name: 'a', type: 'integer' },
    { name: 'b', type: 'boolean' },
  ] as const;
  t.deepEqual(recordTable({ a: 1000000, b: true }, numbers, style).slice(3, 6), [
    '│ a    │ 1000000 │',
    '├──────┼─────────┤',
    '│ b    │       1 │',
  ]);
  t.is(recordTable({ a: null }, numbers, style)[3], '│ a    │       │');
});

test('cells: booleans, lists, lines, wide and combining characters, control characters', (t) => {
  const columns = [{ name: 'x' }, { name: 'flag', type: 'boolean' }] as const;
  const rows = [
    { x: 'one\ntwo', flag: true },
    { x: [1, { a: 2 }], flag: false },
    { x: '磁带' },
    { x: 'e\u0301' },
    { x: 'a\u001b[31m' },
  ];
  t.deepEqual(listTable(rows, columns, style), [
    '┌─────────────┬──────┐',
    '│ x           │ flag │',
    '╞═════════════╪══════╡',
    '│ one         │    1 │',
    '│ two         │      │',
    '├─────────────┼──────┤',
    '│ [1,{"a":2}] │    0 │',
    '├─────────────┼──────┤',
    '│ 磁带        │      │',
    '├─────────────┼──────┤',
    '│ e\u0301           │      │',
    '├─────────────┼──────┤',
    '│ a\\x1b[31m   │      │',
    '└─────────────┴──────┘',
  ]);
});

test('lines are cut at the width of the terminal', (t) => {
  for (const line of listTable([{ x: '磁带磁带' }], [{ name: 'x' }], { ...style, columns: 7 })) {
    t.true(displayWidth(line) <= 7, line);
  }
});

test('rows are sorted by the declared keys: numbers by value, texts by bytes, null first', (t) => {
  const columns = [{ name: 'name' }, { name: 'n', type: 'integer' }] as const;
  const rows = [
    { name: 'b', n: 10 },
    { name: 'b', n: 9 },
    { name: 'B', n: 1 },
    { name: 'é' },
    { name: null, n: 5 },
    { name: 'b' },
  ];
  t.deepEqual(
    sortRows(rows, columns, ['name', 'n']).map(({ name, n }) => `${name} ${n}`),
    ['null 5', 'B 1', 'b undefined', 'b 9', 'b 10', 'é undefined'],
  );
});

test('a table of more rows than a call may have arguments', (t) => {
  const rows = Array.from({ length: 200_000 }, (_, number) => ({ name: `row${number}` }));
  t.is(listTable(sortRows(rows, [{ name: 'name' }], ['name']), [{ name: 'name' }], style).length, 400_003);
});

test('texts are in the order of their UTF-8 bytes, not of UTF-16', (t) => {
  const rows = [{ name: '\u{1f4fc}' }, { name: '\uff21' }];
  t.deepEqual(sortRows(rows, [{ name: 'name' }], ['name']), rows.toReversed());
});

test('every line of a table is equally wide, whatever is in it', (t) => {
  const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null));
  const options = fc.record({ border: fc.boolean(), header: fc.boolean(), ascii: fc.boolean() });
  fc.assert(
    fc.property(fc.array(fc.record({ a: value, b: value }), { minLength: 1 }), options, (rows, chosen) => {
      const lines = listTable(rows, [{ name: 'a' }, { name: 'b', type: 'integer' }], { ...style, ...chosen });
      t.is(new Set(lines.map(displayWidth)).size, 1, lines.join('\n'));
    }),
  );
});
