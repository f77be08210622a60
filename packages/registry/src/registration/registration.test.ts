import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HttpCheck } from '../health/check.ts';
import type { CheckRequest } from '../health/check-request.ts';
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

const TCP: CheckRequest = { kind: { type: 'tcp' } };
const CHECKS: readonly CheckRequest[] = [
  TCP,
  http({ method: 'HEAD', headers: { 'x-key': 'k' }, port: 81 }),
  http({ scheme: 'https' }),
  { kind: { type: 'grpc', tls: true, service: 'orders.v1.Orders' } },
  { kind: { type: 'ttl', ttlMs: 1000 } },
  { kind: { type: 'script', args: ['/bin/true', ''] }, failuresBeforeWarning: 1, failuresBeforeCritical: 3 },
];

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
  ['nothing but what it needs', {}],
  ['tags of other languages', { tags: ['größe', 'v2'] }],
  ['64 tags and 64 metadata', { tags: Array.from({ length: 64 }, (_, index) => `t${index}`), metadata: labels(64) }],
  ['metadata of 512 characters', { metadata: { 'consul/key_1.a-b': 'v'.repeat(512) } }],
  ['a weight of nothing while it warns', { weights: { passing: 65_535, warning: 0 } }],
  ['a region alone', { locality: { region: 'eu-west-1' } }],
  ['a version', { version: '2.1.0-rc.1' }],
  ['a lease without end', { leaseMs: 0 }],
  ['no identity, for what is outside of the mesh', { identity: '' }],
  ['a check of each kind', { checks: CHECKS }],
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
  ['65 tags', { tags: Array.from({ length: 65 }, () => 't') }, /tags must be at most 64, there are 65/],
  ['an empty tag', { tags: [''] }, /tags must each be 1 to 128/],
  ['a tag with a line end', { tags: ['a\nb'] }, /tags must each be/],
  ['65 metadata', { metadata: labels(65) }, /metadata must be at most 64/],
  ['a metadata key with a space', { metadata: { 'a b': '' } }, /metadata must have keys/],
  ['a metadata value of 513 characters', { metadata: { a: 'v'.repeat(513) } }, /metadata must have values/],
  ['a metadata value that has no UTF-8 form', { metadata: { a: '\ud800' } }, /metadata must have values/],
  ['a weight of nothing while it passes', { weights: { passing: 0, warning: 1 } }, /weights must be/],
  ['half a weight', { weights: { passing: 1.5, warning: 1 } }, /weights must be/],
  ['a zone without a region', { locality: { region: '', zone: 'a' } }, /locality must have a region/],
  ['a version with a space', { version: '2 1' }, /version must be/],
  ['a lease of less than a second', { leaseMs: 999 }, /leaseMs must be a second to a day/],
  ['a lease of more than a day', { leaseMs: 86_400_001 }, /leaseMs must be/],
  ['less than a minute of being critical', { deregisterCriticalAfterMs: 59_999 }, /deregisterCriticalAfterMs must be/],
  ['an identity that is none', { identity: 'orders' }, /identity must be a SPIFFE ID/],
  ['17 checks', { checks: Array.from({ length: 17 }, () => TCP) }, /checks must be at most 16/],
  [
    'two checks of one id',
    {
      checks: [
        { ...TCP, checkId: 'c' },
        { ...TCP, checkId: 'c' },
      ],
    },
    /"c" is there twice/,
  ],
  ['an interval of less than a second', { checks: [{ ...TCP, intervalMs: 999 }] }, /checks\[0\]\.intervalMs/],
  ['a port of a check out of range', { checks: [{ kind: { type: 'tcp', port: 0 } }] }, /checks\[0\]\.port/],
  ['a path that is a URL', { checks: [http({ path: 'http://metadata/' })] }, /checks\[0\]\.path/],
  ['a path with a line end', { checks: [http({ path: '/\r\nx: y' })] }, /checks\[0\]\.path/],
  ['a header with a line end', { checks: [http({ headers: { a: 'b\r\nc: d' } })] }, /checks\[0\]\.headers/],
  ['a header that says whose host it is', { checks: [http({ headers: { Host: 'x' } })] }, /checks\[0\]\.headers/],
  ['a method with a space', { checks: [http({ method: 'GET /x' })] }, /checks\[0\]\.method/],
  ['a TTL of nothing', { checks: [{ kind: { type: 'ttl', ttlMs: 0 } }] }, /checks\[0\]\.ttlMs/],
  ['a script without a program', { checks: [{ kind: { type: 'script', args: [] } }] }, /checks\[0\]\.args/],
  [
    'a warning after it is critical',
    { checks: [{ ...TCP, failuresBeforeWarning: 3, failuresBeforeCritical: 2 }] },
    /failuresBeforeWarning must not/,
  ],
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

function http(change: Partial<HttpCheck>): CheckRequest {
  return { kind: { type: 'http', scheme: 'http', path: '/health?deep=1', ...change } };
}
