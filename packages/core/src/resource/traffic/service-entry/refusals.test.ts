import { test } from 'node:test';
import { serviceEntry } from '../../../testing/resource-json.ts';
import { expectRefusal, expectSilence, type Refusal } from '../../../testing/refusals.ts';

const hosts = (...names: string[]): Record<string, unknown> => serviceEntry({ hosts: names });
const port = (fields: object): Record<string, unknown> =>
  serviceEntry({ ports: [{ number: 443, name: 'tls', protocol: 'TLS', ...fields }] });
const at = (resolution: string, ...endpoints: object[]): Record<string, unknown> =>
  serviceEntry({ resolution, endpoints });
const PORT = 'spec.ports[0]';
const ENDPOINT = 'spec.endpoints[0]';

const refused: readonly Refusal[] = [
  ['no hosts', serviceEntry({ hosts: [] }), 'spec.hosts', /must not be empty/],
  ['no ports', serviceEntry({ ports: undefined }), 'spec', /needs ports/],
  ['every host', hosts('*'), 'spec.hosts[0]', /name the hosts/],
  ['a name without a dot', hosts('orders'), 'spec.hosts[0]', /services of the mesh/],
  ['a service of the mesh', hosts('orders.shop.svc.cluster.local'), 'spec.hosts[0]', /name of the mesh/],
  ['services of the mesh', hosts('*.svc.cluster.local'), 'spec.hosts[0]', /name of the mesh/],
  ['a short form of one', hosts('orders.shop.svc'), 'spec.hosts[0]', /name of the mesh/],
  ['hosts within the mesh', serviceEntry({ location: 'MESH_INTERNAL' }), 'spec.location', /register themselves/],
  ['workloads', serviceEntry({ workloadSelector: {} }), 'spec.workloadSelector', /for hosts outside/],
  ['looking up at each call', serviceEntry({ resolution: 'DYNAMIC_DNS' }), 'spec.resolution', /write NONE/],
  ['an address that is none', serviceEntry({ addresses: ['10.0.0'] }), 'spec.addresses[0]', /IP address/],
  ['a port without name', port({ name: undefined }), PORT, /needs name/],
  ['UDP', port({ protocol: 'UDP' }), `${PORT}.protocol`, /not carried/],
  ['a protocol that nobody knows', port({ protocol: 'QUIC' }), `${PORT}.protocol`, /unknown value "QUIC"/],
  [
    'a number of two ports',
    serviceEntry({
      ports: [
        { number: 1, name: 'a' },
        { number: 1, name: 'b' },
      ],
    }),
    'spec.ports[1].number',
    /number of another port/,
  ],
  [
    'endpoints that nobody uses',
    at('NONE', { address: '10.0.0.1' }),
    'spec.endpoints',
    /no meaning for resolution NONE/,
  ],
  ['STATIC without endpoints', serviceEntry({ resolution: 'STATIC' }), 'spec', /needs endpoints/],
  ['a name for STATIC', at('STATIC', { address: 'a.example' }), `${ENDPOINT}.address`, /must be an IP address/],
  ['a socket of this host', at('STATIC', { address: 'unix:///a' }), `${ENDPOINT}.address`, /sockets of this host/],
  [
    'a pattern that cannot be looked up',
    serviceEntry({ hosts: ['*.a.example'], resolution: 'DNS' }),
    'spec.hosts[0]',
    /cannot be looked up/,
  ],
  [
    'several names in turn',
    at('DNS_ROUND_ROBIN', { address: 'a.b' }, { address: 'c.d' }),
    'spec.endpoints',
    /one at most/,
  ],
  [
    'a port that the entry has not',
    at('STATIC', { address: '10.0.0.1', ports: { web: 80 } }),
    `${ENDPOINT}.ports.web`,
    /no name of a port/,
  ],
  [
    'an identity outside the mesh',
    at('STATIC', { address: '10.0.0.1', serviceAccount: 'a' }),
    `${ENDPOINT}.serviceAccount`,
    /subjectAltNames/,
  ],
  ['a network', at('STATIC', { address: '10.0.0.1', network: 'a' }), `${ENDPOINT}.network`, /not told apart/],
];

const accepted: readonly (readonly [fact: string, json: unknown])[] = [
  ['protocols in any case', port({ protocol: 'https' })],
  ['protocols that are carried as they are', port({ protocol: 'Mongo' })],
  ['hosts, which callers look up', hosts('*.cdn.example.com', 'api.example.com')],
  [
    'names to look up in place of a pattern',
    serviceEntry({ hosts: ['*.a.example'], resolution: 'DNS', endpoints: [{ address: 'b.example' }] }),
  ],
  ['addresses and blocks', serviceEntry({ addresses: ['10.0.0.1', 'fd00::/8'] })],
];

for (const refusal of refused) test(`refuses ${refusal[0]}`, () => expectRefusal(refusal));

for (const [fact, json] of accepted) test(`accepts ${fact}`, () => expectSilence(json));
