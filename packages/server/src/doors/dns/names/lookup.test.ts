import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reverseAddress } from '@rampart/wire/dns';
import { type Lookup, lookupOf, zoneOf } from './lookup.ts';

const ZONE = { datacenter: 'dc1', namespace: 'default' };
const web = { kind: 'service', service: 'web', namespace: 'default' } as const;
const BETWEEN: Lookup = { kind: 'between' };
const UNKNOWN: Lookup = { kind: 'unknown' };

function read(name: string): Lookup | undefined {
  const place = zoneOf(name.split('.'));
  return place === undefined ? undefined : lookupOf(place.zone, place.labels, ZONE);
}

const CASES: readonly (readonly [rule: string, name: string, expected: Lookup | undefined])[] = [
  ['a service', 'web.service.consul', web],
  ['a service of a datacenter', 'web.service.dc1.consul', web],
  ['a service of a datacenter, in the long form', 'web.service.dc1.dc.consul', web],
  ['a service of another datacenter', 'web.service.dc2.consul', UNKNOWN],
  ['a service of another datacenter, in the long form', 'web.service.dc2.dc.consul', UNKNOWN],
  ['a tag', 'v1.web.service.consul', { ...web, tag: 'v1' }],
  ['a tag with dots', 'v1.2.web.service.consul', { ...web, tag: 'v1.2' }],
  ['a namespace', 'web.service.shop.ns.consul', { ...web, namespace: 'shop' }],
  ['a namespace and a datacenter', 'web.service.shop.ns.dc1.dc.consul', { ...web, namespace: 'shop' }],
  ['the one partition', 'web.service.shop.ns.default.ap.dc1.dc.consul', { ...web, namespace: 'shop' }],
  ['another partition', 'web.service.other.ap.consul', UNKNOWN],
  ['RFC 2782 with a protocol', '_web._tcp.service.consul', web],
  ['RFC 2782 with a tag', '_web._v1.service.dc1.consul', { ...web, tag: 'v1' }],
  ['RFC 2782 with something before it', 'x._web._tcp.service.consul', UNKNOWN],
  ['a node', 'ip-10-0-0-1.node.consul', { kind: 'node', node: 'ip-10-0-0-1' }],
  ['a node whose name has dots', 'db.example.com.node.dc1.consul', { kind: 'node', node: 'db.example.com' }],
  ['an IPv4 address', '0a000001.addr.dc1.consul', { kind: 'address', address: '10.0.0.1' }],
  [
    'an IPv6 address',
    'fd000000000000000000000000000001.addr.consul',
    { kind: 'address', address: 'fd00:0:0:0:0:0:0:1' },
  ],
  ['an address of a wrong length', '0a0000.addr.consul', UNKNOWN],
  ['prepared queries, which there are not', 'web.query.consul', UNKNOWN],
  ['the zone', 'consul', { kind: 'apex' }],
  ['the name server', 'ns.consul', { kind: 'name-server' }],
  ['what is between', 'service.consul', BETWEEN],
  ['a datacenter alone', 'dc1.consul', BETWEEN],
  ['a protocol alone', '_tcp.service.consul', BETWEEN],
  ['a service of the mesh', 'web.shop.mesh', { ...web, namespace: 'shop' }],
  ['RFC 2782 in the mesh', '_web._tcp.shop.mesh', { ...web, namespace: 'shop' }],
  ['too many labels in the mesh', 'a.web.shop.mesh', UNKNOWN],
  ['a namespace of the mesh', 'shop.mesh', BETWEEN],
  ['a name of somebody else', 'web.service.example', undefined],
  ['the root', '', undefined],
];

describe('names of our zones', () => {
  for (const [rule, name, expected] of CASES) {
    it(`${rule}: ${JSON.stringify(name)}`, () => assert.deepEqual(read(name), expected));
  }
});

describe('reverse names', () => {
  const nibbles = ['1', ...Array.from({ length: 31 }, () => '0')].join('.');
  const cases = [
    ['an IPv4 address', '1.0.0.10.in-addr.arpa', '10.0.0.1'],
    ['an IPv6 address', `${nibbles}.ip6.arpa`, '0:0:0:0:0:0:0:1'],
    ['a network', '0.0.10.in-addr.arpa', undefined],
    ['a number that is no byte', '256.0.0.10.in-addr.arpa', undefined],
    ['a number written at length', '01.0.0.10.in-addr.arpa', undefined],
    ['something else', 'web.service.consul', undefined],
  ] as const;
  for (const [rule, name, expected] of cases) {
    it(rule, () => assert.equal(reverseAddress(name.split('.')), expected));
  }
});
