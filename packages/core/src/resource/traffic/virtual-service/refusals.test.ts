import { test } from 'node:test';
import { httpMatch, httpRoute, virtualService } from '../../../testing/resource-json.ts';
import { expectRefusal, expectSilence, expectWarning, type Refusal } from '../../../testing/refusals.ts';

const to = (weight?: number): object => ({
  destination: { host: 'orders' },
  ...(weight === undefined ? {} : { weight }),
});
const only = (fields: object): Record<string, unknown> => virtualService({ hosts: ['orders'], http: [fields] });
const retries = (fields: object, match?: object): Record<string, unknown> =>
  httpRoute({ retries: fields, ...(match === undefined ? {} : { match: [match] }) });
const HTTP = 'spec.http[0]';
const MATCH = `${HTTP}.match[0]`;

const refused: readonly Refusal[] = [
  ['no hosts', virtualService({ http: [{ route: [to()] }] }), 'spec', /delegate of another/],
  ['the host "*"', virtualService({ hosts: ['*'], http: [{ route: [to()] }] }), 'spec.hosts[0]', /name the hosts/],
  [
    'an address as host',
    virtualService({ hosts: ['10.0.0.1'], http: [{ route: [to()] }] }),
    'spec.hosts[0]',
    /not by address/,
  ],
  [
    'a star in the middle',
    virtualService({ hosts: ['a.*.b'], http: [{ route: [to()] }] }),
    'spec.hosts[0]',
    /first label only/,
  ],
  [
    'a host that a pattern of the list stands for',
    virtualService({ hosts: ['*.a.b', 'c.a.b'], http: [{ route: [to()] }] }),
    'spec.hosts[1]',
    /is one of "\*\.a\.b", too/,
  ],
  [
    'a host that is there twice',
    virtualService({ hosts: ['a', 'a'], http: [{ route: [to()] }] }),
    'spec.hosts[1]',
    /is one of "a"/,
  ],
  ['no routes', virtualService({ hosts: ['a'] }), 'spec', /needs http or tcp/],
  [
    'routes of TLS',
    virtualService({ hosts: ['a'], tls: [], http: [{ route: [to()] }] }),
    'spec.tls',
    /not routed by its SNI/,
  ],
  [
    'a gateway',
    virtualService({ hosts: ['a'], gateways: ['web'], http: [{ route: [to()] }] }),
    'spec.gateways[0]',
    /no gateway yet/,
  ],
  [
    'a field that Istio has not',
    virtualService({ hosts: ['a'], http: [{ route: [to()] }], https: [] }),
    'spec.https',
    /unknown field "https"/,
  ],
  ['no action', only({ timeout: '1s' }), HTTP, /needs one of route, redirect and directResponse/],
  ['two actions', httpRoute({ redirect: { uri: '/' } }), `${HTTP}.redirect`, /cannot stand beside route/],
  ['an empty route', only({ route: [] }), `${HTTP}.route`, /at least one destination/],
  [
    'retries beside a redirect',
    only({ redirect: { uri: '/' }, retries: { attempts: 1 } }),
    `${HTTP}.retries`,
    /no meaning beside redirect/,
  ],
  [
    'a fault beside a direct response',
    only({ directResponse: { status: 200 }, fault: { abort: { httpStatus: 500, percentage: { value: 1 } } } }),
    `${HTTP}.fault`,
    /no meaning beside/,
  ],
  [
    'weights that are less than 100',
    only({ route: [to(10), to(80)] }),
    `${HTTP}.route`,
    /add up to 100: 10 \+ 80 is 90/,
  ],
  ['several destinations without weights', only({ route: [to(), to()] }), `${HTTP}.route`, /0 \+ 0 is 0/],
  ['a weight above 100', only({ route: [to(101)] }), `${HTTP}.route[0].weight`, /from 0 to 100/],
  [
    'a destination that is a pattern',
    only({ route: [{ destination: { host: '*.a' } }] }),
    `${HTTP}.route[0].destination.host`,
    /must be one host/,
  ],
  ['a destination without host', only({ route: [{ destination: {} }] }), `${HTTP}.route[0].destination`, /needs host/],
  ['a delegate', httpRoute({ delegate: { name: 'a' } }), `${HTTP}.delegate`, /not delegated here/],
  ['cross-origin requests', httpRoute({ corsPolicy: {} }), `${HTTP}.corsPolicy`, /through a gateway/],
  [
    'both forms of mirrors',
    httpRoute({ mirror: { host: 'a' }, mirrors: [{ destination: { host: 'b' } }] }),
    `${HTTP}.mirror`,
    /cannot stand beside/,
  ],
  [
    'a share of a mirror that is not there',
    httpRoute({ mirrorPercentage: { value: 1 } }),
    `${HTTP}.mirrorPercentage`,
    /which is not there/,
  ],
  [
    'the older share of a mirror',
    httpRoute({ mirror: { host: 'a' }, mirrorPercent: 1 }),
    `${HTTP}.mirrorPercent`,
    /write mirrorPercentage/,
  ],
  ['a timeout as a number', httpRoute({ timeout: 5 }), `${HTTP}.timeout`, /in quotes/],
  ['a timeout without unit', httpRoute({ timeout: '5' }), `${HTTP}.timeout`, /such as "5s"/],

  ['a match that asks nothing', httpMatch({}), MATCH, /asks nothing/],
  [
    'a match in two forms',
    httpMatch({ uri: { exact: '/a', prefix: '/b' } }),
    `${MATCH}.uri.prefix`,
    /cannot stand beside exact/,
  ],
  ['a match without form', httpMatch({ uri: {} }), `${MATCH}.uri`, /one of exact, prefix and regex/],
  ['a match that is a text', httpMatch({ uri: '/a' }), `${MATCH}.uri`, /write \{ exact: … \}/],
  [
    'a back reference',
    httpMatch({ uri: { regex: String.raw`/(a)\1` } }),
    `${MATCH}.uri.regex`,
    /no regular expression of RE2/,
  ],
  ['a look-ahead', httpMatch({ uri: { regex: '/(?=a)b' } }), `${MATCH}.uri.regex`, /no regular expression of RE2/],
  [
    'an expression of 1025 characters',
    httpMatch({ uri: { regex: 'a'.repeat(1025) } }),
    `${MATCH}.uri.regex`,
    /at most 1024/,
  ],
  ['a header in upper case', httpMatch({ headers: { 'X-User': {} } }), `${MATCH}.headers.X-User`, /in lower case/],
  ['the path among headers', httpMatch({ headers: { uri: { exact: '/' } } }), `${MATCH}.headers.uri`, /beside headers/],
  [
    'claims of tokens',
    httpMatch({ headers: { '@request.auth.claims.group': { exact: 'a' } } }),
    `${MATCH}.headers["@request.auth.claims.group"]`,
    /at a gateway/,
  ],
  ['statistics', httpMatch({ uri: { exact: '/' }, statPrefix: 'a' }), `${MATCH}.statPrefix`, /statistics of Envoy/],
  ['a namespace with a star', httpMatch({ sourceNamespace: 'a*' }), `${MATCH}.sourceNamespace`, /name of a namespace/],

  ['retries without attempts', retries({ retryOn: '5xx' }), `${HTTP}.retries`, /needs attempts/],
  ['no retries, and how', retries({ attempts: 0, retryOn: '5xx' }), `${HTTP}.retries`, /remove the rest/],
  [
    'a condition that nobody knows',
    retries({ attempts: 1, retryOn: '5xx,6xx' }),
    `${HTTP}.retries.retryOn`,
    /"6xx" is no condition/,
  ],
  [
    'a condition that nothing here can tell',
    retries({ attempts: 1, retryOn: 'retriable-headers' }),
    `${HTTP}.retries.retryOn`,
    /nothing here can say/,
  ],
  [
    'retries of a POST that may have been handled',
    retries({ attempts: 2, retryOn: '5xx,connect-failure' }, { method: { exact: 'POST' } }),
    `${HTTP}.retries.retryOn`,
    /must not hold 5xx here: POST may have been handled/,
  ],
  ...(
    [
      ['a method that begins as POST does', { prefix: 'PO' }, /PO\* may have been handled/],
      ['either of two methods', { regex: 'POST|PATCH' }, /POST\|PATCH may have been handled/],
    ] as const
  ).map(([what, method, reason]): Refusal => [
    `retries of ${what} that may have been handled`,
    retries({ attempts: 2, retryOn: '5xx' }, { method }),
    `${HTTP}.retries.retryOn`,
    reason,
  ]),
  [
    'retries of a POST after a status',
    retries({ attempts: 2, retryOn: '503' }, { method: { exact: 'POST' } }),
    `${HTTP}.retries.retryOn`,
    /must not hold 503/,
  ],

  ['a fault that is none', httpRoute({ fault: {} }), `${HTTP}.fault`, /needs a delay or an abort/],
  [
    'an abort without status',
    httpRoute({ fault: { abort: { percentage: { value: 1 } } } }),
    `${HTTP}.fault.abort`,
    /httpStatus or grpcStatus/,
  ],
  [
    'a delay that grows',
    httpRoute({ fault: { delay: { fixedDelay: '1s', exponentialDelay: '1s', percentage: { value: 1 } } } }),
    `${HTTP}.fault.delay.exponentialDelay`,
    /only fixedDelay/,
  ],
  [
    'a share above 100',
    httpRoute({ fault: { delay: { fixedDelay: '1s', percentage: { value: 101 } } } }),
    `${HTTP}.fault.delay.percentage.value`,
    /from 0 to 100/,
  ],

  ['a redirect without anything', only({ redirect: {} }), `${HTTP}.redirect`, /at least one of/],
  [
    'a redirect with another status',
    only({ redirect: { uri: '/', redirectCode: 200 } }),
    `${HTTP}.redirect.redirectCode`,
    /from 300 to 399/,
  ],
  [
    'a prefix of a path that was matched otherwise',
    only({ redirect: { prefixRewrite: '/a' }, match: [{ uri: { exact: '/b' } }] }),
    `${HTTP}.redirect.prefixRewrite`,
    /each match needs uri/,
  ],
  [
    'a redirect with a line break',
    only({ redirect: { uri: '/a\r\nb' } }),
    `${HTTP}.redirect.uri`,
    /invisible character|printable/,
  ],
  [
    'a body that is no base64',
    only({ directResponse: { status: 200, body: { bytes: 'a' } } }),
    `${HTTP}.directResponse.body.bytes`,
    /base64/,
  ],
  [
    'a group that is not there',
    httpRoute({ rewrite: { uriRegexRewrite: { match: '/(a)', rewrite: String.raw`/\2` } } }),
    `${HTTP}.rewrite.uriRegexRewrite.rewrite`,
    /refers to group/,
  ],
  [
    'both forms of a rewrite',
    httpRoute({ rewrite: { uri: '/', uriRegexRewrite: { match: 'a', rewrite: 'b' } } }),
    `${HTTP}.rewrite.uriRegexRewrite`,
    /cannot stand beside uri/,
  ],

  [
    'a header that says who calls',
    httpRoute({ headers: { request: { set: { 'X-Forwarded-Client-Cert': 'a' } } } }),
    `${HTTP}.headers.request.set.X-Forwarded-Client-Cert`,
    /who has sent/,
  ],
  [
    'a header of framing',
    httpRoute({ headers: { response: { remove: ['Transfer-Encoding'] } } }),
    `${HTTP}.headers.response.remove[0]`,
    /how a message is sent/,
  ],
  [
    'the authority as a header',
    httpRoute({ headers: { request: { set: { Host: 'a' } } } }),
    `${HTTP}.headers.request.set.Host`,
    /rewrite\.authority/,
  ],
  [
    'a command of Envoy',
    httpRoute({ headers: { request: { set: { a: '%DOWNSTREAM_REMOTE_ADDRESS%' } } } }),
    `${HTTP}.headers.request.set.a`,
    /command of Envoy/,
  ],
  [
    'a header with a line break',
    httpRoute({ headers: { request: { set: { a: 'b\r\nc: d' } } } }),
    `${HTTP}.headers.request.set.a`,
    /invisible character|control characters/,
  ],

  [
    'subnets of a connection',
    virtualService({ hosts: ['a'], tcp: [{ match: [{ destinationSubnets: ['10.0.0.0/8'] }], route: [to()] }] }),
    'spec.tcp[0].match[0].destinationSubnets',
    /called by name/,
  ],
  ['a connection that goes nowhere', virtualService({ hosts: ['a'], tcp: [{}] }), 'spec.tcp[0]', /needs route/],
  [
    'everybody, and others',
    virtualService({ hosts: ['a'], http: [{ route: [to()] }], exportTo: ['*', 'web'] }),
    'spec.exportTo',
    /"\*" is every namespace/,
  ],
  [
    'nobody',
    virtualService({ hosts: ['a'], http: [{ route: [to()] }], exportTo: ['~'] }),
    'spec.exportTo[0]',
    /a rule for nobody/,
  ],
];

const warned: readonly Refusal[] = [
  [
    'a route behind one that takes everything',
    virtualService({ hosts: ['a'], http: [{ route: [to()] }, { route: [to()] }] }),
    `spec.http[1]`,
    /never reached/,
  ],
  [
    'a fault that is done to nobody',
    httpRoute({ fault: { abort: { httpStatus: 500 } } }),
    `${HTTP}.fault.abort`,
    /done to no request/,
  ],
  [
    'a prefix that no path has',
    httpMatch({ uri: { prefix: 'api/' } }),
    `${MATCH}.uri.prefix`,
    /^matches nothing: paths begin with "\/", so write "\/api\/"$/,
  ],
  ['a path that is none', httpMatch({ uri: { exact: 'api' } }), `${MATCH}.uri.exact`, /^matches nothing/],
];

const slashes: readonly Refusal[] = [
  [
    'a prefix with a slash too many',
    httpRoute({ match: [{ uri: { prefix: '/v2' } }], rewrite: { uri: '/' } }),
    `${HTTP}.rewrite.uri`,
    /^makes \/\/a of \/v2\/a: let both end/,
  ],
  [
    'a prefix with a slash too few',
    httpRoute({ rewrite: { uri: '/v1' } }),
    `${HTTP}.rewrite.uri`,
    /^makes \/v1a of \/a/,
  ],
];

const accepted: readonly (readonly [fact: string, json: unknown])[] = [
  ['one destination of any weight', only({ route: [to(0)] })],
  [
    'retries of methods of which one may be repeated',
    retries({ attempts: 2, retryOn: '5xx' }, { method: { prefix: 'P' } }),
  ],
  ['Istio’s default of retries for a POST', retries({ attempts: 2 }, { method: { exact: 'POST' } })],
  [
    'retries of a POST that was not handled',
    retries({ attempts: 2, retryOn: 'connect-failure,refused-stream' }, { method: { exact: 'POST' } }),
  ],
  ['retries of any request, as only the safe ones are repeated', retries({ attempts: 2, retryOn: '5xx' })],
  ['a prefix for a prefix', httpRoute({ match: [{ uri: { prefix: '/v2/' } }], rewrite: { uri: '/' } })],
  ['a timeout of none', httpRoute({ timeout: '0s' })],
  ['the gateway "mesh"', virtualService({ hosts: ['a'], gateways: ['mesh'], http: [{ route: [to()] }] })],
];

for (const refusal of refused) test(`refuses ${refusal[0]}`, () => expectRefusal(refusal));

for (const warning of [...warned, ...slashes]) test(`warns of ${warning[0]}`, () => expectWarning(warning));

for (const [fact, json] of accepted) test(`accepts ${fact}`, () => expectSilence(json));
