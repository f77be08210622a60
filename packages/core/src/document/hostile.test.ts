import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDocuments } from '../documents.ts';
import { describeProblem, parseResource, toJson, type ResourceProblem } from '../index.ts';
import { formatFieldPath, parseFieldPath } from '../resource/problem.ts';
import * as resources from '../testing/resource-json.ts';
import { DEFAULT_LIMITS } from './limits.ts';

const LONGEST_MESSAGE = 2000;
/** One sound resource of every kind. */
const SOUND: readonly Record<string, unknown>[] = [
  resources.policy({
    ...resources.labelled,
    action: 'DENY',
    rules: [{ to: [{ operation: { paths: ['/a/{*}'], ports: ['80'] } }] }],
  }),
  resources.when({ key: 'request.headers[x]', values: ['a*'] }),
  resources.source({ principals: ['*/sa/a'], notIpBlocks: ['10.0.0.0/8'] }),
  resources.custom({ to: [{ operation: { hosts: ['a'] } }] }),
  resources.peer({ ...resources.labelled, mtls: { mode: 'STRICT' }, portLevelMtls: { 80: { mode: 'DISABLE' } } }),
  resources.jwtRule({ jwks: resources.PUBLIC_JWKS, fromHeaders: [{ name: 'a', prefix: 'b ' }], timeout: '5s' }),
  resources.ingress({
    from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }],
    ports: [{ port: 'http' }],
  }),
  resources.serviceTokens({ subjects: ['service:*'] }),
  resources.provider({ includeRequestHeadersInCheck: ['x-*'], statusOnError: '503' }),
  resources.namespace({ labels: { env: 'production' } }),
];

function assertReadable(problem: ResourceProblem): void {
  const line = describeProblem(problem);
  assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, 'a message that a terminal obeys');
  assert.ok(line.length <= LONGEST_MESSAGE, `a message of ${line.length} characters`);
  assert.match(problem.code, /^[A-Z_]+$/);
  assert.notEqual(problem.message, '');
}

/** Holds whatever the text is: nothing thrown, every problem with its place, what is accepted is accepted again. */
function assertHeld(text: string): void {
  const { resources: read, problems } = parseDocuments(text, { file: 'a.yaml' });
  const lines = text.split('\n').length;
  for (const problem of problems) {
    assertReadable(problem);
    assert.equal(problem.file, 'a.yaml');
    assert.ok(problem.line >= 1 && problem.line <= lines + 1, `line ${problem.line} of ${lines}`);
    assert.ok(problem.column >= 1 && problem.column <= text.length + 1);
  }
  assert.ok(problems.length <= DEFAULT_LIMITS.problems + 1);
  for (const resource of read) assert.ok(parseResource(JSON.parse(toJson(resource))).ok);
}

const yaml = fc.constantFrom(...SOUND).map((json) => JSON.stringify(json, undefined, 1));
const splinter = fc.constantFrom(
  ...['\0', '\x1b[2J', '\r', '\r\n', '\u0085', '\u2028', '\u202e', '\u2066', '\ufeff', '\ud800', '\udc00', '\u200b'],
  ...[
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '- ',
    ': ',
    '? ',
    '&a ',
    '*a',
    '<<: ',
    '!!set ',
    '!x ',
    '|\n',
    '>-\n',
    '#',
    '"',
    "'",
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    '\t',
    '  ',
    '\n',
    '~',
    '.inf',
    '.nan',
    '0o7',
    '1e999',
    '-0',
    '2026-11-21',
    '"__proto__": {',
  ],
);
/** A sound text with some of it cut out and something else put in. */
const broken = fc
  .tuple(yaml, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 8 }), splinter), { minLength: 1, maxLength: 6 }))
  .map(([text, cuts]) =>
    cuts.reduce((now, [at, length, instead]) => {
      const start = at % (now.length + 1);
      return now.slice(0, start) + instead + now.slice(start + length);
    }, text),
  );

test('a sound text of any kind, broken anywhere, is read to an end with every problem in its place', () => {
  for (const json of SOUND) assert.deepEqual(parseDocuments(JSON.stringify(json), { file: 'a.yaml' }).problems, []);
  fc.assert(fc.property(broken, assertHeld), { numRuns: 3000 });
});

test('any text of the marks of YAML is read to an end with every problem in its place', () => {
  const marks = fc.array(fc.oneof(splinter, fc.string({ unit: 'binary', maxLength: 3 }), yaml), { maxLength: 20 });
  fc.assert(
    fc.property(
      marks.map((parts) => parts.join('')),
      assertHeld,
    ),
    { numRuns: 2000 },
  );
});

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    true,
    0,
    -1,
    1.5,
    NaN,
    Infinity,
    '',
    '*',
    '\u202e',
    '\n',
    [],
    {},
    [null],
    [[]],
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary' }),
);
const PLACES = SOUND.flatMap((json, index) => placesIn(json).map((path) => ({ index, path })));

test('a sound value of any kind, changed anywhere, is read to an end with every problem at its field', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PLACES), odd, ({ index, path }, value) => {
      const changed: unknown = structuredClone(SOUND[index]);
      const parsed = parseResource(put(changed, path, value));
      if (parsed.ok) {
        const again = parseResource(JSON.parse(toJson(parsed.value)));
        assert.ok(again.ok);
        assert.deepEqual(again.value, parsed.value);
        return;
      }
      assert.notEqual(parsed.problem.length, 0);
      for (const problem of parsed.problem) {
        assertReadable(problem);
        assert.equal(formatFieldPath(parseFieldPath(problem.field)), problem.field);
      }
    }),
    { numRuns: 5000 },
  );
});

function placesIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  const children = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [path, ...children.flatMap(([key, child]) => placesIn(child, [...path, key]))];
}

function put(root: unknown, path: readonly string[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const parent = root as Record<string, unknown>;
  parent[step] = put(parent[step], rest, value);
  return parent;
}

for (const [fact, text, place] of [
  ['a direction override in a comment', 'apiVersion: v1 # \u202e end\n', '1:18'],
  ['an isolate in a comment', '# \u2066\n', '1:3'],
  ['a carriage return that lets a terminal write over the line', '# harmless\rkind: X\n', '1:11'],
  ['an escape sequence of a terminal in a comment', '#\n# \x1b[2J\n', '2:3'],
  ['a line separator in a comment', '# a\u2028kind: X\n', '1:4'],
  ['a byte order mark amid the text', 'a: b\n\ufeffc: d\n', '2:1'],
  ['half a pair', '# \ud800\n', '1:3'],
  ['a direction override in a quoted value', 'a: "\u202d"\n', '1:5'],
] as const) {
  test(`refused wherever it stands: ${fact}`, () => {
    const { resources: read, problems } = parseDocuments(text, { file: 'a.yaml' });
    assert.deepEqual(read, []);
    assert.deepEqual(
      problems.map(({ code, line, column }) => `${code} ${line}:${column}`),
      [`INVALID_YAML ${place}`],
    );
    assert.match(problems[0]?.message ?? '', /U\+[0-9A-F]{4}, which makes it look other than it is: remove it$/);
  });
}

test('a text in another encoding is refused in a few lines, which say what to do', () => {
  const utf16 = Buffer.from(JSON.stringify(SOUND[0]), 'utf16le').toString('utf8');
  const { resources: read, problems } = parseDocuments(utf16, { file: 'a.yaml' });
  assert.deepEqual(read, []);
  assert.equal(problems[0]?.message, 'the text holds the character U+0000, which no text does: save it as UTF-8');
  assert.equal(problems.length, 11);
  assert.match(problems.at(-1)?.message ?? '', /^\d+ further problems are not listed/);
});

test('comments may be in any script, with joiners and emoji, and lines may end as on Windows', () => {
  const text = `\ufeff# שלום \u200fa\u200f, नमस्\u200dते 👩\u200d🚀\r\n${JSON.stringify(SOUND[0])}\r\n`;
  assert.deepEqual(parseDocuments(text, { file: 'a.yaml' }).problems, []);
});
