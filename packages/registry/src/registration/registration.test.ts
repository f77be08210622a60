import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkRegistration } from './registration.ts';
import type { RegistrationRequest } from './registration.ts';

const GOOD: RegistrationRequest = {
  service: 'orders-api',
  namespace: 'default',
  instanceId: 'orders-api-7f3a',
  host: '10.0.1.1',
  port: 8080,
  protocol: 'http',
  labels: { app: 'orders', 'app.kubernetes.io/version': '1.2.3', empty: '' },
};

const ACCEPTED: readonly (readonly [rule: string, change: Partial<RegistrationRequest>])[] = [
  ['an ordinary registration', {}],
  ['a service of one letter', { service: 'a' }],
  ['a service of 63 characters', { service: 'a'.repeat(63) }],
  ['a service that begins with a digit', { service: '2fa' }],
  ['a loopback IPv6 address', { host: '::1' }],
  ['an IPv6 address', { host: '2001:db8::7' }],
  ['a host name', { host: 'Orders-1.internal.example' }],
  ['a host name of one label', { host: 'localhost' }],
  ['the lowest port', { port: 1 }],
  ['the highest port', { port: 65_535 }],
  ['64 labels', { labels: labels(64) }],
  ['no labels', { labels: {} }],
  ['an instance id with every kind of character', { instanceId: 'Pod_1.web:8080-x' }],
];

const REFUSED: readonly (readonly [rule: string, change: Partial<RegistrationRequest>, field: RegExp])[] = [
  [
    'a link-local address, where clouds keep their metadata',
    { host: '169.254.169.254' },
    /host must be an address of a host/,
  ],
  ['the same address written as IPv6', { host: '::ffff:169.254.169.254' }, /host must be an address of a host/],
  ['a multicast address', { host: '224.0.0.1' }, /host must be an address of a host/],
  ['the broadcast address', { host: '255.255.255.255' }, /host must be an address of a host/],
  ['a link-local IPv6 address', { host: 'fe80::1' }, /host must be an address of a host/],
  ['an empty service', { service: '' }, /service must be a DNS label/],
  ['a service in upper case', { service: 'Orders' }, /service must be a DNS label/],
  ['a service of 64 characters', { service: 'a'.repeat(64) }, /service must be a DNS label/],
  ['a service with a dot', { service: 'orders.default' }, /service must be a DNS label/],
  ['a service with a hyphen at its end', { service: 'orders-' }, /service must be a DNS label/],
  ['a service that is a number', { service: '10' }, /service must not be a number/],
  ['a service with a line end', { service: 'orders\n' }, /service must be a DNS label/],
  ['an empty namespace', { namespace: '' }, /namespace must be a DNS label/],
  ['a namespace with a path', { namespace: 'a/b' }, /namespace must be a DNS label/],
  ['an empty instance id', { instanceId: '' }, /instanceId must be/],
  ['an instance id of 254 characters', { instanceId: 'a'.repeat(254) }, /instanceId must be/],
  ['an instance id with a space', { instanceId: 'a b' }, /instanceId must be/],
  ['an empty host', { host: '' }, /host must be an IP address or a host name/],
  ['an address with a part too large', { host: '10.0.0.256' }, /host must be an IP address or a host name/],
  ['an address with a part missing', { host: '10.0.1' }, /host must be an IP address or a host name/],
  ['a host with its port', { host: '10.0.0.1:80' }, /host must be an IP address or a host name/],
  ['a host in brackets', { host: '[::1]' }, /host must be an IP address or a host name/],
  ['an IPv6 address with a zone', { host: 'fe80::1%eth0' }, /host must be an IPv6 address without a zone/],
  ['the unspecified IPv4 address', { host: '0.0.0.0' }, /host must be an address that can be dialled/],
  ['the unspecified IPv6 address', { host: '::' }, /host must be an address that can be dialled/],
  ['the unspecified IPv6 address in full', { host: '0:0:0:0:0:0:0:0' }, /host must be an address that can be dialled/],
  ['a host name with a control character', { host: 'a\u0000b' }, /host must be/],
  ['a host name of 254 characters', { host: `${'a.'.repeat(126)}ab` }, /host must be/],
  ['port 0', { port: 0 }, /port must be a whole number/],
  ['port 65536', { port: 65_536 }, /port must be a whole number/],
  ['half a port', { port: 80.5 }, /port must be a whole number/],
  ['no port', { port: Number.NaN }, /port must be a whole number/],
  ['an empty protocol', { protocol: '' }, /protocol must be/],
  ['a protocol in upper case', { protocol: 'HTTP' }, /protocol must be/],
  ['65 labels', { labels: labels(65) }, /labels must be at most 64, there are 65/],
  ['an empty label name', { labels: { '': 'x' } }, /labels\[""\] must have a name/],
  ['a label name of 64 characters', { labels: { ['k'.repeat(64)]: 'x' } }, /must have a name/],
  ['a label with two prefixes', { labels: { 'a/b/c': 'x' } }, /labels\["a\/b\/c"\] must have a name/],
  ['a label with an empty prefix', { labels: { '/b': 'x' } }, /labels\["\/b"\] must have a name/],
  ['a label value of 64 characters', { labels: { app: 'v'.repeat(64) } }, /labels\["app"\] must be at most 63/],
  ['a label value with a space', { labels: { app: 'a b' } }, /labels\["app"\] must be at most 63/],
];

describe('a registration is accepted with', () => {
  for (const [rule, change] of ACCEPTED)
    it(rule, () => assert.equal(checkRegistration({ ...GOOD, ...change }).ok, true));
});

describe('a registration is refused, by the name of the field, with', () => {
  for (const [rule, change, field] of REFUSED) {
    it(rule, () => {
      const checked = checkRegistration({ ...GOOD, ...change });
      assert.equal(checked.ok, false);
      assert.equal(checked.problem.code, 'INVALID_ARGUMENT');
      assert.match(checked.problem.message, field);
    });
  }

  it('several bad fields, all of them named', () => {
    const checked = checkRegistration({ ...GOOD, service: '', port: 0, labels: { 'a b': '' } });
    assert.equal(checked.ok, false);
    assert.match(checked.problem.message, /service .*; port .*; labels\["a b"\]/);
  });
});

function labels(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`label-${index}`, `${index}`]));
}
