import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { RampartError } from '@rampart/core';
import { InvalidArgumentError } from 'commander';
import { parseDuration } from './duration.ts';
import { parseKind, parseStoredKind } from './kind.ts';
import { parseCount, parsePort } from './number.ts';
import { collectHeader, collectLabel } from './pair.ts';
import { parseCaller, parseIdentity, parseService } from './workload.ts';
import { workloadOf } from './workload-options.ts';

suite('a duration', () => {
  const good: readonly [string, number][] = [
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['24h', 86_400_000],
    ['2d', 172_800_000],
  ];
  for (const [text, milliseconds] of good)
    test(`${text} is ${milliseconds} ms`, () => assert.equal(parseDuration(text), milliseconds));
  for (const text of ['', '10', 's', '1.5h', '-1h', '0s', '10 m', '1y', '99999999999999999999d'])
    test(`${JSON.stringify(text)} is refused`, () => assert.throws(() => parseDuration(text), InvalidArgumentError));
});

suite('a number', () => {
  test('ports run from 0 to 65535', () => assert.deepEqual(['0', '8443', '65535'].map(parsePort), [0, 8_443, 65_535]));
  for (const text of ['65536', '-1', '1e3', '', ' 80', '0x50', '12345678'])
    test(`port ${JSON.stringify(text)} is refused`, () => assert.throws(() => parsePort(text), InvalidArgumentError));
  test('counts start at 0', () => assert.equal(parseCount('0'), 0));
});

suite('pairs', () => {
  test('labels collect and the last value of a key wins', () =>
    assert.deepEqual(collectLabel('app=b', collectLabel('tier=x', collectLabel('app=a', undefined))), {
      app: 'b',
      tier: 'x',
    }));
  test('a label may be empty', () =>
    assert.deepEqual(collectLabel('app.kubernetes.io/name=', undefined), { 'app.kubernetes.io/name': '' }));
  for (const text of ['app', '=x', 'a b=c', 'app=a b', '-a=b'])
    test(`label ${JSON.stringify(text)} is refused`, () =>
      assert.throws(() => collectLabel(text, undefined), InvalidArgumentError));
  test('headers take = and :, and lower-case their names', () =>
    assert.deepEqual(collectHeader('X-B: c=d', collectHeader('X-A=b:c', undefined)), { 'x-a': 'b:c', 'x-b': 'c=d' }));
  test('a header that is sent twice is one, as policies see it', () =>
    assert.deepEqual(collectHeader('X-A=2', collectHeader('x-a: 1', undefined)), { 'x-a': '1,2' }));
  for (const text of ['x', ': y', 'a b=c', 'ü=x'])
    test(`header ${JSON.stringify(text)} is refused`, () =>
      assert.throws(() => collectHeader(text, undefined), InvalidArgumentError));
});

suite('a kind', () => {
  const names: readonly [string, string][] = [
    ['ap', 'AuthorizationPolicy'],
    ['AuthorizationPolicies', 'AuthorizationPolicy'],
    ['authorizationpolicies.security.istio.io', 'AuthorizationPolicy'],
    ['pa', 'PeerAuthentication'],
    ['svc', 'services'],
    ['dataplanes', 'dataplanes'],
  ];
  for (const [name, kind] of names) test(`${name} is ${kind}`, () => assert.equal(parseKind(name), kind));
  test('a near miss is suggested', () =>
    assert.throws(() => parseKind('authorizationpolcy'), {
      code: 'INVALID_ARGUMENT',
      message: /Did you mean authorizationpolicy\?/,
    }));
  test('what is observed cannot be deleted', () =>
    assert.throws(() => parseStoredKind('services'), { code: 'INVALID_ARGUMENT' }));
});

suite('a caller', () => {
  const callers: readonly [string, string][] = [
    ['', ''],
    ['none', ''],
    ['web/frontend', 'web/frontend'],
    ['ns/web/sa/frontend', 'web/frontend'],
    ['cluster.local/ns/web/sa/frontend', 'spiffe://cluster.local/ns/web/sa/frontend'],
    ['spiffe://other.example/ns/web/sa/frontend', 'spiffe://other.example/ns/web/sa/frontend'],
    ['spiffe://other.example/anything', 'spiffe://other.example/anything'],
  ];
  for (const [text, caller] of callers)
    test(`${JSON.stringify(text)} is ${JSON.stringify(caller)}`, () => assert.equal(parseCaller(text), caller));
  for (const text of ['frontend', 'a/b/c', '/x', 'https://x/y'])
    test(`${JSON.stringify(text)} is refused`, () => assert.throws(() => parseCaller(text), RampartError));
  test('a short identity gets the trust domain', () =>
    assert.equal(parseIdentity('web/frontend', 'cluster.local'), 'spiffe://cluster.local/ns/web/sa/frontend'));
  test('what is no identity is refused without a word of an option that is not there', () =>
    assert.throws(
      () => parseIdentity('garbage', 'cluster.local'),
      /^RampartError: "garbage" is not an identity; write/,
    ));
});

suite('a service', () => {
  const names: readonly [string, string, string][] = [
    ['orders-api', 'orders-api', 'shop'],
    ['orders-api.default', 'orders-api', 'default'],
    ['observatory-backend.observatory.svc.cluster.local', 'observatory-backend', 'observatory'],
    ['orders-api.default:8080', 'orders-api', 'default'],
  ];
  for (const [text, name, namespace] of names)
    test(`${text} is ${name} in ${namespace}`, () =>
      assert.deepEqual({ ...parseService(text, 'shop') }, { name, namespace }));
  for (const text of ['', '10.0.0.1', 'localhost', 'a.b.example.com', 'A_b'])
    test(`${JSON.stringify(text)} is refused`, () => assert.throws(() => parseService(text, 'shop'), RampartError));
});

suite('a new workload', () => {
  test('runs as its service, labelled with it', () =>
    assert.deepEqual(workloadOf({ service: 'orders-api' }), {
      service: 'orders-api',
      namespace: 'default',
      serviceAccount: 'orders-api',
      labels: { app: 'orders-api' },
    }));
  test('may be a pure client', () =>
    assert.deepEqual(workloadOf({}), { service: '', namespace: 'default', serviceAccount: 'default', labels: {} }));
  test('takes what is said', () =>
    assert.deepEqual(workloadOf({ service: 'a', namespace: 'b', serviceAccount: 'c', label: { app: 'd' } }), {
      service: 'a',
      namespace: 'b',
      serviceAccount: 'c',
      labels: { app: 'd' },
    }));
  test('has the labels of its place, unless others are said', () => {
    const locality = { region: 'eu', zone: 'eu-1' };
    const [region, zone] = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];
    assert.deepEqual(workloadOf({ locality }).labels, { [region]: 'eu', [zone]: 'eu-1' });
    assert.deepEqual(workloadOf({ locality: { region: 'eu', zone: '' } }).labels, { [region]: 'eu' });
    assert.deepEqual(workloadOf({ locality, label: { [zone]: 'b' } }).labels, { [region]: 'eu', [zone]: 'b' });
  });
  test('has DNS labels as names', () =>
    assert.throws(() => workloadOf({ service: 'Orders' }), {
      code: 'INVALID_ARGUMENT',
      message: /--service "Orders"/,
    }));
});
