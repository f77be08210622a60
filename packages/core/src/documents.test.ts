import fc from 'fast-check';
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { errorsOf } from './testing/documents.ts';
import { parseDocuments, ResourceTexts } from './documents.ts';
import { describeProblem, toJson } from './index.ts';

const HEAD = 'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a}\n';

const broken: readonly [fact: string, text: string, errors: readonly RegExp[]][] = [
  ['a wrong value is pointed at', `${HEAD}spec:\n  action: allow`, [/^5:11: spec\.action: unknown value "allow"/]],
  [
    'an unknown field is pointed at by its name',
    `${HEAD}spec:\n  acton: ALLOW`,
    [/^5:3: spec\.acton: unknown field "acton"; did you mean "action"/],
  ],
  [
    'a missing field is pointed at by its parent',
    'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  namespace: b',
    [/^4:3: metadata: has no name/],
  ],
  [
    'an element of a list is pointed at',
    `${HEAD}spec:\n  rules:\n  - from:\n    - source:\n        principals:\n        - a\n        - 1`,
    [/^10:11: spec\.rules\[0\]\.from\[0\]\.source\.principals\[1\]: must be a string/],
  ],
  [
    'a value behind an alias is pointed at where it is written',
    `${HEAD.replace('{name: a}', '{name: a, labels: &l {b: 1}}')}spec:\n  selector: {matchLabels: *l}`,
    [/^3:36: metadata\.labels\.b: must be a string/, /^3:36: spec\.selector\.matchLabels\.b: must be a string/],
  ],
  [
    'a resource that stands twice, although the first is wrong',
    `${HEAD}spec: {acton: DENY}\n---\n${HEAD}`,
    [/^4:8: spec\.acton: unknown/, /^8:18: metadata\.name: .*twice/],
  ],
  [
    'places are right in the second document',
    `${HEAD}---\n${HEAD.replace('{name: a}', '{name: b}')}spec: 1`,
    [/^8:7: spec: must be an object/],
  ],
  ['a key that stands twice', `${HEAD}kind: PeerAuthentication`, [/^4:1: field "kind" is given twice/]],
  ['a merge key', `${HEAD}spec:\n  <<: {action: DENY}`, [/^5:3: merge keys/]],
  ['a merge key under YAML 1.1 as well', `%YAML 1.1\n---\n${HEAD}spec:\n  <<: {action: DENY}`, [/^7:3: merge keys/]],
  [
    'a number that is octal to YAML 1.1 and decimal to 1.2',
    `${HEAD}spec: {rules: [{to: [{operation: {ports: [080, +010]}}]}]}`,
    [/^4:43: "080" is octal to some .* in quotes/, /^4:48: "\+010" is octal to some/],
  ],
  [
    'a word that is a boolean to YAML 1.1, where a boolean is asked for',
    `%YAML 1.1\n---\n${HEAD.replace('AuthorizationPolicy', 'RequestAuthentication')}spec: {jwtRules: [{issuer: a, forwardOriginalToken: yes}]}`,
    [/^6:\d+: spec\.jwtRules\[0\]\.forwardOriginalToken: must be true or false, is the string "yes"/],
  ],
  ['a key that is no string', `${HEAD}? [a]\n: b`, [/^4:3: .*keys must be strings/]],
  ['a tag of another language', `${HEAD}spec: !!python/object:os.system {}`, [/^4:\d+: tag .*python/]],
  ['a tag that changes a value', `${HEAD}spec: !!set {a}`, [/^4:\d+: tag "tag:yaml.org,2002:set"/]],
  ['an alias without anchor', `${HEAD}spec: *a`, [/^4:7: alias "\*a" has no/]],
  ['an alias within its own anchor', `${HEAD}spec: &a {b: *a}`, [/^4:14: alias "\*a" has no complete anchor/]],
  ['a YAML syntax error', `${HEAD}spec: {`, [/^\d+:\d+: .*\}/]],
  ['a tab as indentation', `${HEAD}spec:\n\taction: ALLOW`, [/^5:1: tabs/]],
  ['a text that is no object', 'hello', [/^1:1: must be a resource/]],
  [
    'the same resource twice in a file',
    `${HEAD}---\n${HEAD}`,
    [/^7:18: metadata\.name: AuthorizationPolicy default\/a stands in this file twice, first in line 3/],
  ],
  ['a List without items', 'apiVersion: v1\nkind: List', [/^1:1: items: must be a list, is empty/]],
  ['a List whose items are no list', 'kind: List\nitems: {}', [/^2:8: items: must be a list, is an object/]],
  ['a null element of a List', 'kind: List\nitems: [~]', [/^2:9: items\[0\]: must be a resource.* is empty/]],
  [
    'a List in a List',
    'kind: List\nitems:\n- kind: List\n  items: []',
    [/^3:9: items\[0\]\.kind: .*a list cannot stand in a list/],
  ],
  [
    'a list of one kind, as an API server prints it',
    'apiVersion: v1\nkind: NetworkPolicyList\nitems: []',
    [/^2:7: kind: .*is written as kind List of v1/],
  ],
  ['a name of the language as a field', `"__proto__": {a: b}\n${HEAD}`, [/^1:1: __proto__: unknown field "__proto__"/]],
  [
    'a wrong element of a List',
    `apiVersion: v1\nkind: List\nitems:\n- kind: Pod`,
    [/^4:9: items\[0\]\.kind: unknown kind "Pod"/],
  ],
];

for (const [fact, text, errors] of broken) {
  test(`refused: ${fact}`, () => {
    const found = errorsOf(text);
    assert.equal(found.length, errors.length, found.join('\n'));
    for (const [index, error] of errors.entries()) assert.match(found[index] ?? '', error);
  });
}

const sound: readonly [fact: string, text: string, keys: readonly string[]][] = [
  ['nothing', '', []],
  ['comments alone', '# nothing\n---\n# here\n', []],
  ['several documents', `${HEAD}---\n${HEAD.replace('{name: a}', '{name: b}')}---\n`, ['a', 'b']],
  [
    'JSON',
    '{"apiVersion":"security.istio.io/v1","kind":"PeerAuthentication",\t"metadata":{"name":"a\\u0062"}}',
    ['ab'],
  ],
  [
    'an alias',
    `${HEAD}spec:\n  selector: {matchLabels: &l {a: b}}\n---\n${HEAD.replace('{name: a}', '{name: b, labels: &l {a: b}, annotations: *l}')}`,
    ['a', 'b'],
  ],
  [
    'a List as kubectl prints it',
    `apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ""}\nitems:\n- ${HEAD.trimEnd().replaceAll('\n', '\n  ')}`,
    ['a'],
  ],
  [
    'a word that is a boolean to YAML 1.1, where a text is asked for',
    `%YAML 1.1\n---\n${HEAD.replace('{name: a}', '{name: on, labels: {a: yes}}')}`,
    ['on'],
  ],
  ['a byte order mark and CRLF', `\uFEFF${HEAD.replaceAll('\n', '\r\n')}`, ['a']],
];

for (const [fact, text, keys] of sound) {
  test(`accepted: ${fact}`, () => {
    const { resources, problems } = parseDocuments(text, { file: 'a.yaml' });
    assert.deepEqual(problems.map(describeProblem), []);
    assert.deepEqual(
      resources.map((resource) => resource.metadata.name),
      keys,
    );
  });
}

test('a resource without namespace gets the one that is asked for', () => {
  const { resources } = parseDocuments(HEAD, { file: 'a.yaml', defaultNamespace: 'shop' });
  assert.equal(resources[0]?.metadata.namespace, 'shop');
});

test('a problem names its file, its line and column, its field and a stable code', () => {
  const { problems } = parseDocuments(`${HEAD}spec: {acton: DENY}`, { file: 'policies/a.yaml' });
  assert.deepEqual(
    problems.map(({ severity, code, file, line, column, field }) => ({ severity, code, file, line, column, field })),
    [{ severity: 'error', code: 'UNKNOWN_FIELD', file: 'policies/a.yaml', line: 4, column: 8, field: 'spec.acton' }],
  );
});

test('a stray bracket is one mistake, whatever stands behind it; the next document is read', () => {
  const text = `${HEAD}spec: {rules: [{when: [{key: request.headers[x], values: [a]}]}, {to: [{operation: {}}]}]}\n---\nkind: X`;
  const { problems } = parseDocuments(text, { file: '' });
  assert.deepEqual(problems.map(({ code }) => code).slice(0, 2), ['INVALID_YAML', 'UNKNOWN_KIND']);
  assert.match(problems[0]?.message ?? '', /^unexpected "\[": quote a value that holds brackets/);
});

test('one wrong resource does not hide the problems of another', () => {
  const { problems } = parseDocuments(`${HEAD}spec: 1\n---\nkind: X\n---\n{`, { file: '' });
  assert.deepEqual([...new Set(problems.map((problem) => problem.code))].toSorted(), [
    'INVALID_RESOURCE',
    'INVALID_YAML',
    'UNKNOWN_KIND',
  ]);
});

const bomb = [
  'a: &a [x,x,x,x,x,x,x,x,x]',
  ...'bcdefghij'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefghi'[index] ?? ''},`.repeat(9)}]`),
].join('\n');
const hostile: readonly [fact: string, text: string, code: string][] = [
  ['a text over a mebibyte', `# ${'x'.repeat(1_048_576)}`, 'DOCUMENT_TOO_LARGE'],
  ['a mebibyte counts bytes, not characters', `# ${'é'.repeat(524_289)}`, 'DOCUMENT_TOO_LARGE'],
  ['an alias bomb', bomb, 'DOCUMENT_TOO_LARGE'],
  ['deep nesting in flow style', '['.repeat(100) + ']'.repeat(100), 'INVALID_YAML'],
  ['nesting that would exhaust the stack', '['.repeat(100_000), 'INVALID_YAML'],
  ['nesting in block style', '- '.repeat(50_000), 'INVALID_YAML'],
  [
    'many aliases',
    `a: &a ${JSON.stringify(Array.from({ length: 1000 }, () => 'x'))}\nb: [${'*a,'.repeat(1000)}]`,
    'DOCUMENT_TOO_LARGE',
  ],
];

for (const [fact, text, code] of hostile) {
  test(`refused in bounded time: ${fact}`, { timeout: 10_000 }, () => {
    const { resources, problems } = parseDocuments(text, { file: 'a.yaml' });
    assert.deepEqual(resources, []);
    assert.equal(problems[0]?.code, code);
  });
}

test('fifty thousand keys are checked for duplicates in bounded time', { timeout: 10_000 }, () => {
  const text = Array.from({ length: 50_000 }, (_, index) => `k${index}: 1`).join('\n');
  const { problems } = parseDocuments(text, { file: 'a.yaml' });
  assert.equal(problems.length, 1001);
  assert.match(problems.at(-1)?.message ?? '', /further problems are not listed/);
});

test('no text makes the reader throw', () => {
  const line = fc.constantFrom(
    'apiVersion: security.istio.io/v1',
    'kind: AuthorizationPolicy',
    'metadata: {name: a}',
    'spec:',
    '  rules:',
    '  - from:',
    '    - source: {principals: [a]}',
    '---',
    '  <<: *a',
    '&a',
    '[',
    '}',
    '"',
    '%',
    '? ',
    '- ',
    '\t',
    '!!x',
    '|',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n')),
  );
  fc.assert(
    fc.property(text, (source) => {
      const { resources } = parseDocuments(source, { file: 'a.yaml' });
      for (const resource of resources) assert.ok(toJson(resource).length > 0);
    }),
    { numRuns: 1000 },
  );
});

suite('resources that come one by one', () => {
  const policy = (name: string, more: object = {}): string =>
    JSON.stringify({
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name, ...more },
      spec: { mtls: { mode: 'STRICT' } },
    });

  test('are read as those of a document are, and what is said of one names its number', () => {
    const texts = new ResourceTexts('set', { defaultNamespace: 'shop' });
    for (const text of [policy('a'), policy('b', { nam: 1 }), '{', policy('a'), policy('c')]) texts.add(text);
    assert.deepEqual(
      texts.resources.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
      ['shop/a', 'shop/c'],
    );
    assert.deepEqual(
      texts.problems.map(({ code, line, field }) => [code, line, field]),
      [
        ['UNKNOWN_FIELD', 2, 'metadata.nam'],
        ['INVALID_YAML', 3, ''],
        ['DUPLICATE_RESOURCE', 4, 'metadata.name'],
      ],
    );
    const [, last] = texts.resources;
    assert.deepEqual(last && texts.placeOf(last, 'spec.mtls'), { line: 5, column: 1 });
    assert.equal(texts.count, 5);
  });
});
