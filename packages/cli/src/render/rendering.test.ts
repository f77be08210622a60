import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { paletteOf, wantsColour } from './colour.ts';
import { renderSpan } from './moment.ts';
import { shortIdentity, shortService } from './names.ts';
import { renderProblem } from '../views/problem-line.ts';
import { columnsOf, renderTable } from './table.ts';
import { truncate } from './text.ts';
import { wrappedRows } from './wrapped-rows.ts';
import { renderVerdict } from '../views/verdict.ts';

suite('a span of time', () => {
  const cases: readonly [number, string][] = [
    [0, '0s'],
    [-5, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [200_000, '3m20s'],
    [1_800_000, '30m'],
    [3_660_000, '1h1m'],
    [43_200_000, '12h'],
    [172_800_000, '2d'],
    [8_640_000_000, '100d'],
  ];
  for (const [span, text] of cases) test(`${span} ms is ${text}`, () => assert.equal(renderSpan(span), text));
});

suite('names', () => {
  const identities: readonly [string, string][] = [
    ['spiffe://cluster.local/ns/web/sa/frontend', 'web/frontend'],
    ['cluster.local/ns/web/sa/frontend', 'web/frontend'],
    ['spiffe://other.example/ns/web/sa/frontend', 'other.example/ns/web/sa/frontend'],
    ['spiffe://cluster.local/control-plane', 'cluster.local/control-plane'],
    ['nonsense', 'nonsense'],
  ];
  for (const [identity, short] of identities)
    test(`${identity} is shown as ${short}`, () => assert.equal(shortIdentity(identity, 'cluster.local'), short));
  const services: readonly [string, string][] = [
    ['orders-api.default.svc', 'orders-api.default'],
    ['orders-api.default.svc.cluster.local', 'orders-api.default'],
    ['example.com', 'example.com'],
  ];
  for (const [host, short] of services)
    test(`${host} is shown as ${short}`, () => assert.equal(shortService(host), short));
});

test('a table is aligned, shows "-" for nothing, and has no trailing spaces', () => {
  const bad = paletteOf(false).bad;
  assert.equal(
    renderTable(columnsOf('NAME', '>AGE', 'WHY'), [
      ['a', '5s', ''],
      ['longer', '12d', { text: 'x\ny', paint: bad }],
    ]),
    'NAME     AGE   WHY\na         5s   -\nlonger   12d   x\\x0ay\n',
  );
});

test('rows go on in lines below where a terminal is narrower than they are, and stay whole elsewhere', () => {
  const columns = columnsOf('WHO', 'MAY', 'IF');
  const rows = [['shop/web', { text: 'GET, POST /orders/{*}, /carts/{*}', paint: paletteOf(false).good }, '']];
  assert.equal(
    renderTable(columns, wrappedRows(columns, rows, 36)),
    'WHO        MAY            IF\nshop/web   GET, POST      -\n           /orders/{*},\n           /carts/{*}\n',
  );
  assert.equal(renderTable(columns, wrappedRows(columns, rows, undefined)), renderTable(columns, rows));
  const endless = renderTable(columns, wrappedRows(columns, [['a', 'x'.repeat(3000), 'b']], undefined)).split('\n');
  assert.ok(endless.every(({ length }) => length < 200));
  const long = [['a', 'x'.repeat(30), 'b']];
  const lines = renderTable(columns, wrappedRows(columns, long, 40)).split('\n');
  assert.ok(lines.every(({ length }) => length <= 40));
  assert.equal(lines.join('').replaceAll(/[^x]/g, '').length, 30);
});

test('the last column of a table is cut to the width of the terminal', () => {
  const rows = [['a', 'a long explanation of it']];
  assert.equal(renderTable(columnsOf('NAME', 'WHY'), rows, { width: 20 }), 'NAME   WHY\na      a long expla…\n');
});

suite('colour', () => {
  const cases: readonly [string, boolean, Record<string, string>, boolean][] = [
    ['a terminal', true, {}, true],
    ['a pipe', false, {}, false],
    ['NO_COLOR on a terminal', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR on a terminal', true, { NO_COLOR: '' }, true],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
  ];
  for (const [rule, isTerminal, env, expected] of cases) {
    test(`${rule}: ${expected ? 'yes' : 'no'}`, () =>
      assert.equal(wantsColour({ isTerminal, columns: 80, write: () => undefined }, env), expected));
  }
});

suite('a problem of a document', () => {
  const problem = {
    severity: 'error',
    code: 'UNKNOWN_FIELD',
    message: 'unknown field; did you mean "paths"?',
    file: 'p.yaml',
    line: 12,
    column: 9,
    field: 'spec.rules[0].to[0].operation.path',
  };
  test('is file:line:column: field: message', () =>
    assert.equal(
      renderProblem(problem),
      'p.yaml:12:9: spec.rules[0].to[0].operation.path: unknown field; did you mean "paths"?',
    ));
  test('of the whole file has no line', () =>
    assert.equal(
      renderProblem({ ...problem, line: 0, column: 0, field: '', severity: 'warning' }),
      'p.yaml: warning: unknown field; did you mean "paths"?',
    ));
});

test('a verdict names decision, policy, reason and mode', () => {
  const verdict = {
    decision: 'DENY',
    policy: 'production/allow-frontend',
    rule: -1,
    action: 'ALLOW',
    reason: 'no ALLOW rule matched',
    audit: ['production/watch'],
    dryRun: [{ policy: 'production/next', would: 'ALLOW' }],
    dryRunDecision: 'ALLOW',
    mode: 'mTLS STRICT from namespace production',
  } as const;
  assert.equal(
    renderVerdict(verdict, 'GET /', paletteOf(false)),
    'DENY  GET /\n  policy  production/allow-frontend (ALLOW, no rule matched)\n  reason  no ALLOW rule matched\n  mtls    mTLS STRICT from namespace production\n  audit   production/watch\n  dry run production/next would ALLOW\n  dry run together with what is enforced: ALLOW\n',
  );
});

test('a cut text ends with an ellipsis', () => {
  assert.deepEqual(
    [truncate('abcdef', 6), truncate('abcdef', 4), truncate('abcdef', 1), truncate('abcdef', 0)],
    ['abcdef', 'abc…', '…', ''],
  );
});
