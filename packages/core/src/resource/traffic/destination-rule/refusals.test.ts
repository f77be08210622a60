import { test } from 'node:test';
import { destinationRule, trafficPolicy } from '../../../testing/resource-json.ts';
import { expectRefusal, expectSilence, expectWarning, type Refusal } from '../../../testing/refusals.ts';

const POLICY = 'spec.trafficPolicy';
const LOAD = `${POLICY}.loadBalancer`;
const HASH = `${LOAD}.consistentHash`;
const PLACES = `${LOAD}.localityLbSetting`;
const TLS = `${POLICY}.tls`;
const balancer = (loadBalancer: object): Record<string, unknown> => trafficPolicy({ loadBalancer });
const hash = (consistentHash: object): Record<string, unknown> => balancer({ consistentHash });
const places = (localityLbSetting: object): Record<string, unknown> => balancer({ localityLbSetting });
const tls = (fields: object): Record<string, unknown> => trafficPolicy({ tls: fields });
const tcp = (fields: object): Record<string, unknown> => trafficPolicy({ connectionPool: { tcp: fields } });
const http = (fields: object): Record<string, unknown> => trafficPolicy({ connectionPool: { http: fields } });

const refused: readonly Refusal[] = [
  ['no host', destinationRule({ host: undefined, trafficPolicy: {} }), 'spec', /needs host/],
  [
    'a field of another kind',
    destinationRule({ hosts: ['a'], trafficPolicy: {} }),
    'spec.hosts',
    /unknown field "hosts"; did you mean "host"/,
  ],
  [
    'two subsets of a name',
    destinationRule({ subsets: [{ name: 'a' }, { name: 'a' }] }),
    'spec.subsets[1].name',
    /another subset/,
  ],
  ['a subset without name', destinationRule({ subsets: [{ labels: {} }] }), 'spec.subsets[0]', /needs name/],
  ['a subset in upper case', destinationRule({ subsets: [{ name: 'V1' }] }), 'spec.subsets[0].name', /DNS label/],
  [
    'a label that is a number',
    destinationRule({ subsets: [{ name: 'a', labels: { v: 1 } }] }),
    'spec.subsets[0].labels.v',
    /in quotes/,
  ],
  ['a tunnel', trafficPolicy({ tunnel: {} }), `${POLICY}.tunnel`, /CONNECT of a proxy/],
  ['the PROXY protocol', trafficPolicy({ proxyProtocol: {} }), `${POLICY}.proxyProtocol`, /identities say who calls/],
  [
    'a port that is there twice',
    trafficPolicy({ portLevelSettings: [{ port: { number: 1 } }, { port: { number: 1 } }] }),
    `${POLICY}.portLevelSettings[1].port.number`,
    /already/,
  ],
  ['settings of no port', trafficPolicy({ portLevelSettings: [{}] }), `${POLICY}.portLevelSettings[0]`, /needs port/],

  ['PASSTHROUGH', balancer({ simple: 'PASSTHROUGH' }), `${LOAD}.simple`, /not known here/],
  ['a balancer in lower case', balancer({ simple: 'random' }), `${LOAD}.simple`, /did you mean "RANDOM"/],
  [
    'two balancers',
    balancer({ simple: 'RANDOM', consistentHash: { useSourceIp: true } }),
    HASH,
    /cannot stand beside simple/,
  ],
  [
    'slow starts beside a draw by chance',
    balancer({ simple: 'RANDOM', warmup: { duration: '1s' } }),
    `${LOAD}.warmup`,
    /ROUND_ROBIN and LEAST_REQUEST only/,
  ],
  ['a slow start without duration', balancer({ warmup: { minimumPercent: 1 } }), `${LOAD}.warmup`, /needs duration/],
  ['a hash of nothing', hash({}), HASH, /needs one of httpHeaderName/],
  [
    'a hash of two things',
    hash({ useSourceIp: true, httpHeaderName: 'a' }),
    `${HASH}.useSourceIp`,
    /cannot stand beside/,
  ],
  ['a hash of no address', hash({ useSourceIp: false }), `${HASH}.useSourceIp`, /must be true/],
  ['two tables', hash({ useSourceIp: true, ringHash: {}, maglev: {} }), `${HASH}.maglev`, /cannot stand beside/],
  [
    'a table that is no prime',
    hash({ useSourceIp: true, maglev: { tableSize: 65_536 } }),
    `${HASH}.maglev.tableSize`,
    /must be a prime/,
  ],
  ['a cookie without name', hash({ httpCookie: { ttl: '1s' } }), `${HASH}.httpCookie`, /needs name/],
  [
    'a cookie with attributes in its path',
    hash({ httpCookie: { name: 'a', path: '/;b' } }),
    `${HASH}.httpCookie.path`,
    /hold no ";"/,
  ],

  [
    'two ways of places',
    places({ failover: [{ from: 'a', to: 'b' }], distribute: [{ from: 'a', to: { a: 100 } }] }),
    `${PLACES}.failover`,
    /cannot stand beside distribute/,
  ],
  [
    'shares that are less than 100',
    places({ distribute: [{ from: 'a', to: { a: 99 } }] }),
    `${PLACES}.distribute[0].to`,
    /add up to 99/,
  ],
  [
    'a place of four parts',
    places({ distribute: [{ from: 'a/b/c/d', to: { a: 100 } }] }),
    `${PLACES}.distribute[0].from`,
    /must be region/,
  ],
  [
    'a region that is next to itself',
    places({ failover: [{ from: 'a', to: 'a' }] }),
    `${PLACES}.failover[0].to`,
    /another region/,
  ],
  ['a zone that is next', places({ failover: [{ from: 'a', to: 'b/c' }] }), `${PLACES}.failover[0].to`, /region alone/],
  [
    'labels that places are preferred by',
    places({ failoverPriority: ['a'] }),
    `${PLACES}.failoverPriority`,
    /region, zone and sub-zone/,
  ],

  ['connections without number', tcp({ maxConnections: 0 }), `${POLICY}.connectionPool.tcp.maxConnections`, /from 1/],
  [
    'a time to connect without unit',
    tcp({ connectTimeout: '1' }),
    `${POLICY}.connectionPool.tcp.connectTimeout`,
    /such as "5s"/,
  ],
  [
    'how often connections are probed',
    tcp({ tcpKeepalive: { probes: 1 } }),
    `${POLICY}.connectionPool.tcp.tcpKeepalive.probes`,
    /operating system/,
  ],
  ['upgrades', http({ h2UpgradePolicy: 'UPGRADE' }), `${POLICY}.connectionPool.http.h2UpgradePolicy`, /never upgraded/],
  [
    'streams of a connection',
    http({ maxConcurrentStreams: 1 }),
    `${POLICY}.connectionPool.http.maxConcurrentStreams`,
    /http2MaxRequests/,
  ],
  [
    'an end of idle connections',
    http({ idleTimeout: '1h' }),
    `${POLICY}.connectionPool.http.idleTimeout`,
    /is shared by everything/,
  ],
  [
    'requests of a connection',
    http({ maxRequestsPerConnection: 1 }),
    `${POLICY}.connectionPool.http.maxRequestsPerConnection`,
    /is shared by everything.* Leave it out: .*http2MaxRequests/,
  ],
  [
    'the older count of errors',
    trafficPolicy({ outlierDetection: { consecutiveErrors: 1 } }),
    `${POLICY}.outlierDetection.consecutiveErrors`,
    /older form/,
  ],
  [
    'a percentage above 100',
    trafficPolicy({ outlierDetection: { maxEjectionPercent: 101 } }),
    `${POLICY}.outlierDetection.maxEjectionPercent`,
    /from 0 to 100/,
  ],
  [
    'half a percentage of instances',
    trafficPolicy({ outlierDetection: { maxEjectionPercent: 0.5 } }),
    `${POLICY}.outlierDetection.maxEjectionPercent`,
    /from 0 to 100/,
  ],
  [
    'a budget above 100',
    trafficPolicy({ retryBudget: { percent: 101 } }),
    `${POLICY}.retryBudget.percent`,
    /from 0 to 100/,
  ],

  ['TLS without mode', tls({ sni: 'a' }), TLS, /needs mode/],
  [
    'a server that nobody looks at',
    tls({ mode: 'SIMPLE', insecureSkipVerify: true }),
    `${TLS}.insecureSkipVerify`,
    /may be anybody/,
  ],
  ['keys of a secret', tls({ mode: 'SIMPLE', credentialName: 'a' }), `${TLS}.credentialName`, /read from files/],
  ['MUTUAL without a key', tls({ mode: 'MUTUAL', clientCertificate: '/a' }), TLS, /needs privateKey/],
  ['a key for SIMPLE', tls({ mode: 'SIMPLE', privateKey: '/a' }), `${TLS}.privateKey`, /no meaning for mode SIMPLE/],
  [
    'roots for the mesh’s own TLS',
    tls({ mode: 'ISTIO_MUTUAL', caCertificates: '/a' }),
    `${TLS}.caCertificates`,
    /no meaning for mode ISTIO_MUTUAL/,
  ],
  [
    'a file that is somewhere',
    tls({ mode: 'SIMPLE', caCertificates: 'ca.pem' }),
    `${TLS}.caCertificates`,
    /whole path/,
  ],
];

const warned: readonly Refusal[] = [
  ['a rule that says nothing', destinationRule({}), 'spec', /says nothing/],
  [
    'a count that does not count',
    trafficPolicy({ outlierDetection: { consecutiveLocalOriginFailures: 1 } }),
    `${POLICY}.outlierDetection.consecutiveLocalOriginFailures`,
    /counts only with splitExternalLocalOriginErrors/,
  ],
];

const accepted: readonly (readonly [fact: string, json: unknown])[] = [
  ['roots of the machine', tls({ mode: 'SIMPLE', caCertificates: 'system' })],
  ['the mesh’s own TLS', tls({ mode: 'ISTIO_MUTUAL' })],
  ['an unspecified balancer', balancer({ simple: 'UNSPECIFIED' })],
  ['as many requests of a connection as come', http({ maxRequestsPerConnection: 0 })],
  ['what is the case here anyway', http({ useClientProtocol: true, h2UpgradePolicy: 'DO_NOT_UPGRADE' })],
  ['a subset of all instances', destinationRule({ subsets: [{ name: 'all' }] })],
];

for (const refusal of refused) test(`refuses ${refusal[0]}`, () => expectRefusal(refusal));

for (const warning of warned) test(`warns of ${warning[0]}`, () => expectWarning(warning));

for (const [fact, json] of accepted) test(`accepts ${fact}`, () => expectSilence(json));
