import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServiceName, serviceHost } from './index.ts';

const services: readonly [host: string, name: string, namespace: string][] = [
  ['orders-api', 'orders-api', 'web'],
  ['orders-api.default', 'orders-api', 'default'],
  ['orders-api.default.svc', 'orders-api', 'default'],
  ['orders-api.default.svc.cluster.local', 'orders-api', 'default'],
  ['orders-api.default.svc.cluster.local.', 'orders-api', 'default'],
  ['Orders-API.Default', 'orders-api', 'default'],
  ['3scale', '3scale', 'web'],
];
const others: readonly [why: string, host: string][] = [
  ['nothing', ''],
  ['the machine itself', 'localhost'],
  ['the machine itself with a domain', 'localhost.localdomain'],
  ['an IPv4 address', '10.0.0.1'],
  ['an IPv4 address in two parts', '10.1'],
  ['an IPv4 address as one number', '2130706433'],
  ['an IPv6 address', '::1'],
  ['an IPv6 address in brackets', '[::1]'],
  ['another domain', 'api.example.com'],
  ['another cluster domain', 'orders-api.default.svc.other.local'],
  ['a part of the cluster domain', 'orders-api.default.svc.cluster'],
  ['a pod', 'ip-1.orders-api.default.svc'],
  ['an empty label', 'orders-api..svc'],
  ['a label that ends in a dash', 'orders-.default'],
  ['a label of more than 63 characters', 'a'.repeat(64)],
  ['a character that names cannot hold', 'orders_api'],
  ['a port', 'orders-api:8080'],
];

for (const [host, name, namespace] of services) {
  test(`${host} names ${namespace}/${name} for a caller in web`, () => {
    assert.deepEqual(parseServiceName(host, 'web'), { name, namespace });
  });
}

for (const [why, host] of others) {
  test(`${why} names no service`, () => {
    assert.equal(parseServiceName(host, 'web'), undefined);
  });
}

test('the cluster domain can be another', () => {
  assert.deepEqual(parseServiceName('a.b.svc.corp', 'web', 'corp'), { name: 'a', namespace: 'b' });
  assert.equal(parseServiceName('a.b.svc.cluster.local', 'web', 'corp'), undefined);
});

test('the host of a service names the same service to every caller', () => {
  const label = fc.stringMatching(/^[a-z](?:[a-z0-9-]{0,20}[a-z0-9])?$/).filter((text) => text !== 'localhost');
  fc.assert(
    fc.property(label, label, label, (name, namespace, caller) => {
      assert.deepEqual(parseServiceName(serviceHost({ name, namespace }), caller), { name, namespace });
    }),
  );
});
