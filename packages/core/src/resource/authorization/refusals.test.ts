// What Istio refuses of each field, field by field (istio `pkg/config/security/security.go`, `pkg/config/validation`).
import { test } from 'node:test';
import {
  base,
  ISSUER,
  meshConfig,
  namespace,
  network,
  custom,
  operation,
  peer,
  policy,
  rule,
  serviceTokens,
  source,
  when,
} from '../../testing/resource-json.ts';
import { expectRefusal, expectSilence, type Refusal } from '../../testing/refusals.ts';

const FROM = 'spec.rules[0].from[0].source';
const TO = 'spec.rules[0].to[0].operation';
const WHEN = 'spec.rules[0].when[0]';

const SOURCE_FIELDS = [
  'principals',
  'requestPrincipals',
  'namespaces',
  'serviceAccounts',
  'trustDomains',
  'ipBlocks',
  'remoteIpBlocks',
] as const;
const OPERATION_FIELDS = ['hosts', 'ports', 'methods', 'paths'] as const;
const BLOCKS = ['ipBlocks', 'remoteIpBlocks'] as const;
const IP_KEYS = ['source.ip', 'remote.ip', 'destination.ip'] as const;
const TEMPLATES: readonly (readonly [path: string, message: RegExp])[] = [
  ['/{x}', /operators/],
  ['/a{x}b', /operators/],
  ['/{', /operators/],
  ['/{}', /operators/],
  ['/{***}', /operators/],
  ['/{*}.txt', /whole segment/],
  ['/a{*}', /whole segment/],
  ['/{**}a', /whole segment/],
  ['/{*}{*}', /whole segment/],
  ['/*/a/{*}', /cannot be used together/],
  ['/a*/{**}', /cannot be used together/],
  ['/{*}/*', /cannot be used together/],
  ['/{**}/{*}', /last operator/],
  ['/{**}/a/{**}', /last operator/],
  ['/a b/{*}', /cannot have/],
  ['/a?b/{*}', /cannot have/],
  ['/a#b/{*}', /cannot have/],
  ['/[a]/{**}', /cannot have/],
  ['/é/{*}', /cannot have/],
  ['a/{*}', /start with "\/"/],
  ['*/{*}', /start with "\/"|cannot be used together/],
];

/** The field and its negation. */
function both(field: string): readonly [string, string] {
  return [field, `not${field.charAt(0).toUpperCase()}${field.slice(1)}`];
}

const emptyTexts: readonly Refusal[] = [
  ...SOURCE_FIELDS.flatMap(both).map((field): Refusal => [
    `an empty text in ${field}`,
    source({ [field]: [''] }),
    `${FROM}.${field}[0]`,
    /must not be empty/,
  ]),
  ...OPERATION_FIELDS.flatMap(both).map((field): Refusal => [
    `an empty text in ${field}`,
    operation({ [field]: [''] }),
    `${TO}.${field}[0]`,
    /must not be empty/,
  ]),
  ...['values', 'notValues'].map((field): Refusal => [
    `an empty text in ${field}`,
    when({ key: 'source.namespace', [field]: [''] }),
    `${WHEN}.${field}[0]`,
    /must not be empty/,
  ]),
];

const nothings: readonly Refusal[] = [
  ['rules that are null', policy({ rules: null }), 'spec.rules', /is empty/],
  ['a rule that is a list', policy({ rules: [[]] }), 'spec.rules[0]', /must be an object, is a list/],
  ['a from that is null', rule({ from: null }), 'spec.rules[0].from', /is empty/],
  ['a null element of from', rule({ from: [null] }), 'spec.rules[0].from[0]', /is empty/],
  ['a to that is null', rule({ to: null }), 'spec.rules[0].to', /is empty/],
  ['a null element of to', rule({ to: [null] }), 'spec.rules[0].to[0]', /is empty/],
  ['a to without operation', rule({ to: [{}] }), 'spec.rules[0].to[0]', /needs an operation/],
  ['a null operation', rule({ to: [{ operation: null }] }), TO, /is empty/],
  ['an operation of empty lists', operation({ methods: [], notPaths: [] }), TO, /must ask for something/],
  ['a null element of when', rule({ when: [null] }), WHEN, /is empty/],
  ['a null value', when({ key: 'source.namespace', values: [null] }), `${WHEN}.values[0]`, /is empty/],
  [
    'both lists of a condition empty',
    when({ key: 'source.ip', values: [], notValues: [] }),
    WHEN,
    /values or notValues/,
  ],
  ['a null selector', policy({ selector: null }), 'spec.selector', /is empty/],
  ['null labels', policy({ selector: { matchLabels: null } }), 'spec.selector.matchLabels', /is empty/],
  ['a null provider', policy({ action: 'CUSTOM', rules: [{}], provider: null }), 'spec.provider', /is empty/],
  [
    'a provider of no name',
    policy({ action: 'CUSTOM', rules: [{}], provider: { name: '' } }),
    'spec.provider.name',
    /must not be empty/,
  ],
  ['a null action', policy({ action: null }), 'spec.action', /is empty/],
];

/** What people leave out, and what to write instead. */
const bare: readonly Refusal[] = [
  [
    'fields of a source without it',
    rule({ from: [{ principals: ['a'], notIpBlocks: ['10.0.0.1'] }] }),
    'spec.rules[0].from[0]',
    /needs source around its fields: write source: \{ principals: …, notIpBlocks: … \}/,
  ],
  [
    'fields of an operation without it',
    rule({ to: [{ methods: ['GET'] }] }),
    'spec.rules[0].to[0]',
    /needs operation around its fields: write operation: \{ methods: … \}/,
  ],
  [
    'one value in place of a list',
    source({ principals: 'a' }),
    `${FROM}.principals`,
    /list of strings.*: write \["a"\]/,
  ],
  [
    'a number in place of a list',
    operation({ ports: 80 }),
    `${TO}.ports`,
    /list of strings.* in \[ \] and in quotes, "80"/,
  ],
  ['one rule in place of a list', policy({ rules: { from: [] } }), 'spec.rules', /list of rules.*: write "- " before/],
  ['labels in place of matchLabels', policy({ selector: { app: 'web' } }), 'spec.selector', /write \{ matchLabels: /],
  ['a mode in place of mtls', peer({ mtls: 'STRICT' }), 'spec.mtls', /write \{ mode: "STRICT" \}/],
  [
    'a key of request headers',
    when({ key: 'request.header[x]', values: ['a'] }),
    `${WHEN}.key`,
    /"request\.headers\[name\]"\?/,
  ],
  [
    'a key of claims',
    when({ key: 'request.auth.claim[x]', values: ['a'] }),
    `${WHEN}.key`,
    /"request\.auth\.claims\[name\]"\?/,
  ],
];

const values: readonly Refusal[] = [
  ...BLOCKS.flatMap(both).flatMap((field): Refusal[] =>
    ['10.0.0', '10.0.0.0/33', '10.0.0.0/', 'a', '::/129', '10.0.0.0-10.0.0.9', '*'].map((block) => [
      `${block} in ${field}`,
      source({ [field]: [block] }),
      `${FROM}.${field}[0]`,
      /not an IP address|prefix length/,
    ]),
  ),
  ...IP_KEYS.flatMap((key) =>
    ['values', 'notValues'].map((field): Refusal => [
      `an address of ${key} in ${field} that is none`,
      when({ key, [field]: ['localhost'] }),
      `${WHEN}.${field}[0]`,
      /not an IP address/,
    ]),
  ),
  ...both('ports').flatMap((field) =>
    ['-1', '65536', '080', '80-90', '80*', '*', 'http', '8.0'].map((port): Refusal => [
      `${port} in ${field}`,
      operation({ [field]: [port] }),
      `${TO}.${field}[0]`,
      /port number/,
    ]),
  ),
  ...['values', 'notValues'].map((field): Refusal => [
    `a destination.port in ${field} that is none`,
    when({ key: 'destination.port', [field]: ['65536'] }),
    `${WHEN}.${field}[0]`,
    /port number/,
  ]),
  ...both('paths').flatMap((field) =>
    TEMPLATES.map(([path, message]): Refusal => [
      `${path} in ${field}`,
      operation({ [field]: [path] }),
      `${TO}.${field}[0]`,
      message,
    ]),
  ),
  ...TEMPLATES.map(([path, message]): Refusal => [
    `${path} in a rule of scopes`,
    serviceTokens({ rules: [{ paths: [path], scopes: ['a'] }] }),
    'spec.rules[0].paths[0]',
    message,
  ]),
  [
    'a star in source.serviceAccount',
    when({ key: 'source.serviceAccount', values: ['a*'] }),
    `${WHEN}.values[0]`,
    /must not hold/,
  ],
  [
    'a star amid source.trustDomain',
    when({ key: 'source.trustDomain', notValues: ['a*b'] }),
    `${WHEN}.notValues[0]`,
    /start or the end/,
  ],
  [
    'a service account of 321 characters',
    source({ serviceAccounts: ['a'.repeat(321)] }),
    `${FROM}.serviceAccounts[0]`,
    /at most 320/,
  ],
  [
    'a service account without account',
    source({ serviceAccounts: ['a/'] }),
    `${FROM}.serviceAccounts[0]`,
    /"namespace\/account"/,
  ],
];

const keys: readonly Refusal[] = [
  'request.headers',
  'request.headers[]',
  'request.headers[a',
  'request.headersa]',
  'request.headers[a][b]',
  'request.headers[a]b',
  'request.auth.claims',
  'request.auth.claims[]',
  'request.auth.claims[a',
  'request.auth.claims.a',
  'request.auth.claims[a]b',
  'experimental.envoy.filters.',
  'experimental.envoy.filters.a',
  'experimental.envoy.filters.a[',
  'experimental.envoy.filters.[a]',
  'destination.namespace',
  'destination.labels',
  'destination.labels[app]',
  'destination.name',
  'destination.user',
  'source.name',
  'source.labels[a]',
  'source.user',
  'source.port',
  'request.method',
  'request.path',
  'request.auth.claim[a]',
  'Source.Ip',
  ' source.ip',
  'connection.alpn',
].map((key): Refusal => [
  `the key ${key}`,
  when({ key, values: ['a'] }),
  `${WHEN}.key`,
  /must have the form|unknown key|cannot be/,
]);

const combinations: readonly Refusal[] = ['serviceAccounts', 'notServiceAccounts'].flatMap((field) =>
  ['principals', 'notPrincipals', 'namespaces', 'notNamespaces'].map((other): Refusal => [
    `${field} beside ${other}`,
    source({ [field]: ['a'], [other]: ['b'] }),
    `${FROM}.${field}`,
    new RegExp(`cannot stand beside ${other}`),
  ]),
);

const withCustom: readonly Refusal[] = [
  ...['principals', 'requestPrincipals', 'namespaces', 'serviceAccounts', 'trustDomains']
    .flatMap(both)
    .map((field): Refusal => [
      `CUSTOM with ${field}`,
      custom({ from: [{ source: { [field]: ['a'] } }] }),
      `${FROM}.${field}`,
      /with action CUSTOM/,
    ]),
  ...[
    'source.namespace',
    'source.serviceAccount',
    'source.trustDomain',
    'source.principal',
    'request.auth.principal',
    'request.auth.audiences',
    'request.auth.presenter',
    'request.auth.claims[a]',
    'request.auth.claims[a][b]',
  ].map((key): Refusal => [
    `CUSTOM with ${key}`,
    custom({ when: [{ key, values: ['a'] }] }),
    `${WHEN}.key`,
    /with action CUSTOM/,
  ]),
  [
    'a dry run of CUSTOM',
    { ...custom({}), metadata: { name: 'x', annotations: { 'istio.io/dry-run': 'true' } } },
    'metadata.annotations["istio.io/dry-run"]',
    /no meaning for action CUSTOM/,
  ],
];

const dryRun = { metadata: { name: 'default', annotations: { 'istio.io/dry-run': 'false' } } };
const dryRuns: readonly Refusal[] = [
  peer({}),
  base('RequestAuthentication', { jwtRules: [{ issuer: ISSUER }] }),
  serviceTokens({}),
  network({}),
  namespace({}),
  meshConfig({}),
].map((json): Refusal => {
  const kind = String(json['kind']);
  const field = 'metadata.annotations["istio.io/dry-run"]';
  return [
    `a dry run of ${kind}, even one that is off`,
    { ...json, ...dryRun },
    field,
    new RegExp(`no meaning for ${kind}`),
  ];
});

const LABELS: readonly (readonly [fact: string, labels: object, field: string, message: RegExp])[] = [
  ['an empty label name', { '': 'a' }, '[""]', /must not be empty/],
  ['a star in a label name', { 'a*': 'a' }, '["a*"]', /must not hold "\*"/],
  ['a star in a label value', { a: '*' }, '.a', /must not hold "\*"/],
  ['a label value of 64 characters', { a: 'b'.repeat(64) }, '.a', /at most 63/],
  ['a label value that is a number', { a: 1 }, '.a', /in quotes, "1"/],
  [
    'a label value that was written 1.10',
    { a: 1.1 },
    '.a',
    /is the number 1\.1: write it in quotes, as it stands here/,
  ],
  [
    'a label value that was written True',
    { a: true },
    '.a',
    /is the boolean true: write it in quotes, as it stands here/,
  ],
  ['a label value that is null', { a: null }, '.a', /is empty/],
];
const selecting = (matchLabels: object): readonly (readonly [kind: string, json: unknown])[] => [
  ['AuthorizationPolicy', policy({ selector: { matchLabels } })],
  ['PeerAuthentication', peer({ selector: { matchLabels } })],
  [
    'RequestAuthentication',
    base('RequestAuthentication', { selector: { matchLabels }, jwtRules: [{ issuer: ISSUER }] }),
  ],
  ['ServiceTokenPolicy', serviceTokens({ selector: { matchLabels } })],
];
const selectors: readonly Refusal[] = LABELS.flatMap(([fact, labels, field, message]) =>
  selecting(labels).map(([kind, json]): Refusal => [
    `${fact} of ${kind}`,
    json,
    `spec.selector.matchLabels${field}`,
    message,
  ]),
);

const GATEWAY = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'g' };
const attached = (targets: object): readonly (readonly [kind: string, json: unknown])[] => [
  ['AuthorizationPolicy', policy({ ...targets, rules: [{}] })],
  ['RequestAuthentication', base('RequestAuthentication', { ...targets, jwtRules: [{ issuer: ISSUER }] })],
];
const TARGETS: readonly (readonly [fact: string, targets: object, field: string, message: RegExp])[] = [
  ['no target', { targetRefs: [] }, 'spec.targetRefs', /at least one target/],
  ['17 targets', { targetRefs: Array.from({ length: 17 }, () => GATEWAY) }, 'spec.targetRefs', /at most 16/],
  ['a null target', { targetRefs: [null] }, 'spec.targetRefs[0]', /is empty/],
  [
    'a target of another namespace',
    { targetRefs: [{ ...GATEWAY, namespace: 'b' }] },
    'spec.targetRefs[0].namespace',
    /own namespace only/,
  ],
  [
    'a target without name',
    { targetRefs: [{ group: GATEWAY.group, kind: 'Gateway' }] },
    'spec.targetRefs[0]',
    /needs a name/,
  ],
  [
    'a target of empty name',
    { targetRefs: [{ ...GATEWAY, name: '' }] },
    'spec.targetRefs[0].name',
    /must not be empty/,
  ],
  ['a target without kind', { targetRefs: [{ name: 'a' }] }, 'spec.targetRefs[0]', /needs a kind/],
  [
    'a target of an unknown kind',
    { targetRefs: [{ kind: 'Deployment', name: 'a' }] },
    'spec.targetRefs[0].kind',
    /unknown value/,
  ],
  [
    'a Gateway of Istio’s own group',
    { targetRefs: [{ ...GATEWAY, group: 'networking.istio.io' }] },
    'spec.targetRefs[0]',
    /group of kind Gateway/,
  ],
  [
    'a Service of a group',
    { targetRefs: [{ kind: 'Service', group: 'apps', name: 'a' }] },
    'spec.targetRefs[0]',
    /group of kind Service/,
  ],
  [
    'a ServiceEntry without group',
    { targetRefs: [{ kind: 'ServiceEntry', name: 'a' }] },
    'spec.targetRefs[0]',
    /group of kind ServiceEntry/,
  ],
  [
    'targetRef beside targetRefs',
    { targetRef: GATEWAY, targetRefs: [GATEWAY] },
    'spec.targetRef',
    /cannot stand beside targetRefs/,
  ],
  [
    'targetRef beside a selector',
    { targetRef: GATEWAY, selector: { matchLabels: { a: 'b' } } },
    'spec.targetRef',
    /cannot stand beside selector/,
  ],
];
const targets: readonly Refusal[] = TARGETS.flatMap(([fact, json, field, message]) =>
  attached(json).map(([kind, whole]): Refusal => [`${fact} of ${kind}`, whole, field, message]),
);

const refused = [
  ...emptyTexts,
  ...nothings,
  ...bare,
  ...values,
  ...keys,
  ...combinations,
  ...withCustom,
  ...dryRuns,
  ...selectors,
  ...targets,
];
for (const refusal of refused) test(`refuses ${refusal[0]}`, () => expectRefusal(refusal));

const accepted: readonly (readonly [fact: string, json: unknown])[] = [
  ...['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False'].map(
    (word) =>
      [
        `a dry run of ${word}`,
        { ...policy({}), metadata: { name: 'x', annotations: { 'istio.io/dry-run': word } } },
      ] as const,
  ),
  ...['/{*}', '/{**}', '/{**}/', '/a/{*}/{**}', '/foo/{*}/bar/{**}', '/store/{**}/cart', '/a~b/{*}/%41'].map(
    (path) => [`the template ${path}`, operation({ paths: [path] })] as const,
  ),
  ...[
    'request.auth.claims[a]',
    'request.auth.claims[a][b][c]',
    'request.auth.claims[https://a/[b]]',
    'request.headers[:authority]',
  ].map((key) => [`the key ${key}`, when({ key, values: ['a'] })] as const),
  ...attached({ targetRefs: Array.from({ length: 16 }, () => GATEWAY) }),
  [
    'CUSTOM by address, path and header',
    custom({
      from: [{ source: { ipBlocks: ['10.0.0.0/8'], remoteIpBlocks: ['::/0'] } }],
      to: [{ operation: { paths: ['/a'] } }],
      when: [
        { key: 'request.headers[a]', values: ['b'] },
        { key: 'connection.sni', values: ['c'] },
      ],
    }),
  ],
  ['a value of one star', when({ key: 'request.headers[a]', values: ['*'] })],
  ['service accounts beside trust domains', source({ serviceAccounts: ['a/b'], trustDomains: ['td'] })],
];
for (const [fact, json] of accepted) test(`accepts ${fact}`, () => expectSilence(json));
