/** Properties as text: identifiers, types in help texts, problems told to users. */
import test from 'ava';
import Type, { type TSchema } from 'typebox';
import * as identifiers from '../../ts/config/identifiers.ts';
import { groupFilter, jobSection } from '../../ts/config/job_section.ts';
import { poolSection } from '../../ts/config/pool_sections.ts';
import { changerSection, linuxDriveSection, virtualDriveSection } from '../../ts/config/tape_sections.ts';
import { elementSchema, isArrayProperty, parseValue, problemOf, typeText } from '../../ts/config/value_text.ts';

const hex = (count: number) => Array.from({ length: count }, () => 'aB').join(':');

const RULES: Array<[string, TSchema, string[], string[]]> = [
  [
    'drive',
    identifiers.driveName,
    ['abc', '_.-', '9'.repeat(32)],
    ['ab', 'a'.repeat(33), '.abc', '-abc', 'a/b', 'äbc'],
  ],
  ['pool', identifiers.poolName, ['ab', 'a.b'], ['a', 'a b', '']],
  ['media label', identifiers.mediaLabel, ['L1', 'TAPE01L8'], ['L', 'a'.repeat(33)]],
  [
    'UUID',
    identifiers.mediaSetUuid,
    ['0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3'],
    ['0A1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3', '0a1b2c3d4e5f4a6b8c7d8e9fa0b1c2d3', ' '],
  ],
  ['fingerprint', identifiers.fingerprint, [hex(32)], [hex(31), hex(8), hex(32).replaceAll(':', '')]],
  ['comment', identifiers.comment, ['', 'ä'.repeat(128)], ['a'.repeat(129), 'a\nb', 'a\u0085b', 'a\u007f']],
  [
    'user',
    identifiers.userId,
    ['root@pam', 'a@b'],
    ['root', '@pam', 'a:b@pam', 'a b@pam', 'a@b!c', `${'a'.repeat(62)}@pam`],
  ],
  ['owner', identifiers.authId, ['root@pam', 'root@pam!token'], ['root@pam!', 'root!token', 'root@pam!a/b']],
  ['digest', identifiers.digest, ['a0'.repeat(32)], ['A0'.repeat(32), 'a0']],
  ['slot', identifiers.slotNumber, ['1', '200'], ['0', '-1', 'x', '1.5', '']],
  ['drive number', identifiers.changerDriveNumber, ['0', '255'], ['256', '-1']],
  ['depth', identifiers.maxNamespaceDepth, ['0', '7'], ['8']],
  ['namespace', identifiers.namespace, ['', 'a', 'a/b/c/d/e/f/g'], ['a/b/c/d/e/f/g/h', '/a', 'a/', 'a//b', '../a']],
  [
    'group filter',
    groupFilter,
    ['type:vm', 'include:type:ct', 'exclude:group:vm/100', 'regex:^vm/.*', 'exclude:regex:a:b'],
    ['vm', 'type:lxc', 'Include:type:vm', 'group:vm', 'group:vm/', 'regex:', 'exclude:exclude:type:vm'],
  ],
];

for (const [name, schema, good, bad] of RULES) {
  test(`${name}: what is accepted and what is not`, (t) => {
    for (const text of good) t.true(parseValue(schema, text).ok, text);
    for (const text of bad) t.false(parseValue(schema, text).ok, text);
  });
}

test('types in help texts are those of the manual', (t) => {
  const { properties } = jobSection.schema;
  t.is(typeText(properties.drive), '<string>');
  t.is(typeText(properties.schedule), '<calendar-event>');
  t.is(typeText(properties['eject-media']), '<boolean>');
  t.is(typeText(properties['group-filter']), '<array>');
  t.is(typeText(properties['worker-threads']), '<integer> (1 - 32)');
  t.is(typeText(properties['notification-mode']), 'legacy-sendmail|notification-system');
  t.is(typeText(virtualDriveSection.schema.properties['max-size']), '<integer> (0 - N)');
  t.is(typeText(linuxDriveSection.schema.properties['changer-drivenum']), '<integer> (0 - 8)');
  t.is(typeText(changerSection.schema.properties['export-slots']), '[<integer>, ...]');
  t.is(typeText(identifiers.slotNumber), '<integer> (1 - N)');
  t.is(typeText(Type.Integer({ maximum: 3 })), '<integer> (-N - 3)');
  t.is(typeText(Type.Integer()), '<integer>');
  t.is(typeText(Type.Unknown()), '<string>');
});

test('problems are the end of a sentence', (t) => {
  const problem = (schema: TSchema, text: string) => {
    const parsed = parseValue(schema, text);
    return parsed.ok ? undefined : parsed.problem;
  };
  t.is(problem(identifiers.driveName, 'ab'), 'must have 3 to 32 characters');
  t.is(problem(identifiers.password, 'abcd'), 'must have at least 5 characters');
  t.is(problem(identifiers.comment, 'a'.repeat(129)), 'must have 0 to 128 characters');
  t.is(problem(Type.String({ maxLength: 3 }), 'abcd'), 'must have 0 to 3 characters');
  t.is(problem(identifiers.userId, 'root'), "must be name@realm, not 'root'");
  t.is(problem(Type.String({ pattern: '^a' }), 'b'), "must be of another form, not 'b'");
  t.is(problem(identifiers.slotNumber, '0'), 'must be at least 1, not 0');
  t.is(problem(identifiers.maxNamespaceDepth, '8'), 'must be between 0 and 7, not 8');
  t.is(problem(Type.Integer({ maximum: 3 }), '4'), 'must be at most 3, not 4');
  t.is(problem(Type.Integer(), '1e3'), "must be an integer, not '1e3'");
  t.is(problem(Type.Boolean(), 'maybe'), "must be yes or no, not 'maybe'");
  t.is(problem(Type.Enum(['a', 'b']), 'c'), "must be one of a, b, not 'c'");
  t.regex(
    problem(poolSection.schema.properties.retention, 'soon') ?? '',
    /^cannot be used: 'soon' is neither overwrite/,
  );
  t.is(problemOf(identifiers.slotNumber, 'x'), 'must be an integer');
  t.is(problemOf(identifiers.driveName, 3), 'must be a string');
});

test('booleans in any case, integers with sign and zeros', (t) => {
  for (const word of ['1', 'ON', 'Yes', 'true'])
    t.deepEqual(parseValue(Type.Boolean(), word), { ok: true, value: true });
  for (const word of ['0', 'off', 'NO', 'False'])
    t.deepEqual(parseValue(Type.Boolean(), word), { ok: true, value: false });
  t.deepEqual(parseValue(Type.Integer(), '+007'), { ok: true, value: 7 });
  t.deepEqual(parseValue(Type.Integer(), '-7'), { ok: true, value: -7 });
  t.false(parseValue(Type.Integer(), '9007199254740993').ok);
});

test('array properties are parsed by element', (t) => {
  const { properties } = jobSection.schema;
  t.true(isArrayProperty(properties['group-filter']));
  t.false(isArrayProperty(properties.store));
  t.is(elementSchema(properties.store), properties.store);
  t.deepEqual(parseValue(properties['group-filter'], 'type:vm'), { ok: true, value: 'type:vm' });
});
