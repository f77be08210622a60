import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AclRule, type RegistryAcl, type RegistrySettingsSpec, SpiffeId } from '@rampart/core';
import { auditRecord, createMemoryJournalStore, Journal } from '@rampart/journal';
import type { RegistryIdentity } from '../admission/identity.ts';
import { FakeClock } from '../leases/fake-clock.ts';
import { AccessRecord } from './access-record.ts';
import { authenticateRequest, type Credentials } from './authentication.ts';
import { RegistryAccess } from './authorization.ts';
import { hasPermission, type RegistryAction } from './permission.ts';
import { RegistryPolicy } from './registry-policy.ts';
import { parseResourceText, type RegistryResource, resourceText } from './resource.ts';

const workload = (account: string, namespace = 'prod'): RegistryIdentity => ({
  kind: 'spiffe',
  id: SpiffeId.of(`spiffe://cluster/ns/${namespace}/sa/${account}`),
});
const token = (name: string, ...teams: string[]): RegistryIdentity => ({ kind: 'token', name, teams });
const OPERATOR: RegistryIdentity = { kind: 'operator', name: 'alice' };
const ANONYMOUS: RegistryIdentity = { kind: 'anonymous' };

const acl = (rules: readonly AclRule[], name = 'rules'): RegistryAcl => ({
  apiVersion: 'rampart.dev/v1',
  kind: 'RegistryAcl',
  metadata: { name, namespace: 'istio-system', labels: {}, annotations: {} },
  spec: { rules },
});

const PAYMENT: RegistryResource = { service: 'payment-service', namespace: 'prod' };

/** The rules that the seed prints. */
const SEED: readonly AclRule[] = [
  { service: 'payment-service', policy: 'write', identity: 'spiffe://cluster/ns/prod/sa/payment' },
  { service: 'payment-service', policy: 'read', identity: 'spiffe://cluster/ns/prod/sa/order' },
  { namespace: 'prod', policy: 'admin', identity: 'team:ops' },
];

describe('HasPermission', () => {
  for (const [policy, actions] of [
    ['admin', ['read', 'write', 'admin']],
    ['write', ['read', 'write']],
    ['read', ['read']],
    ['deny', []],
  ] as const) {
    it(`lets ${policy} do ${actions.join(', ') || 'nothing'}`, () => {
      const allowed = (['read', 'write', 'admin'] as const).filter((action) => hasPermission(policy, action));
      assert.deepEqual(allowed, actions);
    });
  }
});

type Case = readonly [
  rule: string,
  rules: readonly AclRule[],
  caller: RegistryIdentity,
  action: RegistryAction,
  resource: RegistryResource,
  outcome: string,
];

const CASES: readonly Case[] = [
  ['payment-service can register itself', SEED, workload('payment'), 'write', PAYMENT, 'ALLOW'],
  ['payment-service can discover itself', SEED, workload('payment'), 'read', PAYMENT, 'ALLOW'],
  ['payment-service cannot delete itself', SEED, workload('payment'), 'admin', PAYMENT, 'DENY'],
  ['order-service can discover payment-service', SEED, workload('order'), 'read', PAYMENT, 'ALLOW'],
  ['order-service cannot register payment-service', SEED, workload('order'), 'write', PAYMENT, 'DENY'],
  ['nobody else can discover it', SEED, workload('other'), 'read', PAYMENT, 'DENY'],
  ['the ops team can manage it', SEED, token('bob', 'ops'), 'admin', PAYMENT, 'ALLOW'],
  ['the ops team can manage the namespace', SEED, token('bob', 'ops'), 'admin', { namespace: 'prod' }, 'ALLOW'],
  ['the ops team can manage no other namespace', SEED, token('bob', 'ops'), 'read', { namespace: 'dev' }, 'DENY'],
  ['another team can do nothing', SEED, token('bob', 'dev'), 'read', PAYMENT, 'DENY'],
  ['an operator can manage everything', SEED, OPERATOR, 'admin', PAYMENT, 'ALLOW'],
  [
    'a rule for a service of the same name elsewhere does not count',
    SEED,
    workload('payment'),
    'read',
    { service: 'payment-service', namespace: 'staging' },
    'DENY',
  ],
  [
    'nothing is said of a service that no rule names',
    SEED,
    workload('payment'),
    'read',
    { service: 'nothing', namespace: 'prod' },
    'DENY',
  ],
  [
    'an exact name is closer than a prefix, whatever both say',
    [
      { servicePrefix: 'payment-', policy: 'write' },
      { service: 'payment-service', policy: 'read' },
    ],
    workload('a'),
    'write',
    PAYMENT,
    'DENY',
  ],
  [
    'what a rule about the namespace gives, a rule about one service of it does not take away',
    [
      { service: 'payment-service', policy: 'read' },
      { namespace: 'prod', policy: 'admin', identity: 'team:ops' },
      { namespace: 'prod', service: 'payment-service', policy: 'read' },
    ],
    token('bob', 'ops'),
    'admin',
    PAYMENT,
    'ALLOW',
  ],
  [
    'what is given to everybody takes nothing from who has more of the same service',
    [
      { namespace: 'prod', service: 'payment-service', policy: 'read' },
      { service: 'payment-service', policy: 'write', identity: 'spiffe://cluster/ns/prod/sa/payment' },
    ],
    workload('payment'),
    'write',
    PAYMENT,
    'ALLOW',
  ],
  [
    'a rule that lets everybody look keeps no operator out',
    [
      { service: 'payment-service', policy: 'read' },
      { namespace: 'prod', policy: 'read' },
    ],
    OPERATOR,
    'admin',
    PAYMENT,
    'ALLOW',
  ],
  [
    'a longer prefix is closer than a shorter one',
    [
      { servicePrefix: '', policy: 'deny' },
      { servicePrefix: 'pay', policy: 'deny' },
      { servicePrefix: 'payment', policy: 'read' },
    ],
    workload('a'),
    'read',
    PAYMENT,
    'ALLOW',
  ],
  [
    'a prefix is closer than the namespace',
    [
      { namespace: 'prod', policy: 'admin' },
      { servicePrefix: 'pay', policy: 'deny' },
    ],
    workload('a'),
    'read',
    PAYMENT,
    'DENY',
  ],
  [
    'a rule about others is not closer',
    [
      { service: 'payment-service', policy: 'deny', identity: 'token:x' },
      { namespace: 'prod', policy: 'read' },
    ],
    workload('a'),
    'read',
    PAYMENT,
    'ALLOW',
  ],
  [
    'deny wins over the same label',
    [
      { service: 'payment-service', policy: 'admin' },
      { service: 'payment-service', policy: 'deny' },
    ],
    workload('a'),
    'read',
    PAYMENT,
    'DENY',
  ],
  [
    'of several rules with one label each counts',
    [
      { service: 'payment-service', policy: 'read' },
      { service: 'payment-service', policy: 'write' },
    ],
    workload('a'),
    'write',
    PAYMENT,
    'ALLOW',
  ],
  [
    'a rule that names the namespace is closer than one that does not',
    [
      { service: 'payment-service', policy: 'deny' },
      { namespace: 'prod', service: 'payment-service', policy: 'read' },
    ],
    workload('a'),
    'read',
    PAYMENT,
    'ALLOW',
  ],
  [
    'a rule for all namespaces is the farthest',
    [
      { namespace: '*', policy: 'admin' },
      { namespace: 'prod', policy: 'deny' },
    ],
    workload('a'),
    'read',
    PAYMENT,
    'DENY',
  ],
  [
    'a rule for all namespaces reaches a foreign one',
    [{ namespace: '*', policy: 'read' }],
    workload('a', 'dev'),
    'read',
    PAYMENT,
    'ALLOW',
  ],
  [
    'a rule without namespace does not reach a foreign one',
    [{ servicePrefix: '', policy: 'read' }],
    workload('a', 'dev'),
    'read',
    PAYMENT,
    'DENY',
  ],
  [
    'a rule without namespace is not about the namespace as a whole',
    [{ servicePrefix: '', policy: 'read' }],
    workload('a'),
    'read',
    { namespace: 'prod' },
    'DENY',
  ],
  [
    'a token is at home in the namespace default',
    [{ servicePrefix: '', policy: 'read' }],
    token('t'),
    'read',
    { service: 'a', namespace: 'default' },
    'ALLOW',
  ],
  [
    'a rule without identity is about everybody who proved who they are',
    [{ namespace: 'prod', policy: 'read' }],
    ANONYMOUS,
    'read',
    PAYMENT,
    'DENY',
  ],
  [
    'a rule for everybody is about anonymous callers too',
    [{ namespace: 'prod', policy: 'read', identity: '*' }],
    ANONYMOUS,
    'read',
    PAYMENT,
    'ALLOW',
  ],
  [
    'a rule for anonymous callers is about nobody else',
    [{ namespace: 'prod', policy: 'read', identity: 'anonymous' }],
    workload('a'),
    'read',
    PAYMENT,
    'DENY',
  ],
  [
    'the name of a token is no SPIFFE ID',
    [{ namespace: 'prod', policy: 'read', identity: 'payment' }],
    workload('payment'),
    'read',
    PAYMENT,
    'DENY',
  ],
  [
    'a team is no name',
    [{ namespace: 'prod', policy: 'read', identity: 'team:ops' }],
    token('ops'),
    'read',
    PAYMENT,
    'DENY',
  ],
  [
    'a closer rule keeps operators out',
    [{ namespace: 'prod', policy: 'deny', identity: '*' }],
    OPERATOR,
    'read',
    PAYMENT,
    'DENY',
  ],
];

const DEFAULTS: readonly (readonly [
  rule: string,
  settings: RegistrySettingsSpec,
  caller: RegistryIdentity,
  action: RegistryAction,
  resource: RegistryResource,
  outcome: string,
])[] = [
  [
    'the default policy allows what no rule does',
    { defaultPolicy: 'allow' },
    workload('other'),
    'write',
    PAYMENT,
    'ALLOW_DEFAULT',
  ],
  [
    'the default policy allows what a rule does not give',
    { defaultPolicy: 'allow' },
    workload('order'),
    'write',
    PAYMENT,
    'ALLOW_DEFAULT',
  ],
  [
    'the default policy leads into no foreign namespace',
    { defaultPolicy: 'allow' },
    workload('other', 'dev'),
    'read',
    PAYMENT,
    'DENY',
  ],
  [
    'without isolation it does',
    { defaultPolicy: 'allow', namespaceIsolation: false },
    workload('other', 'dev'),
    'read',
    PAYMENT,
    'ALLOW_DEFAULT',
  ],
  [
    'without isolation rules hold everywhere',
    { namespaceIsolation: false },
    workload('order'),
    'read',
    { service: 'payment-service', namespace: 'staging' },
    'ALLOW',
  ],
  ['the default policy is deny', {}, workload('other'), 'read', PAYMENT, 'DENY'],
];

describe('AuthorizeRequest', () => {
  for (const [rule, rules, caller, action, resource, outcome] of CASES) {
    it(rule, () => assert.equal(new RegistryPolicy([acl(rules)]).decide(caller, action, resource).outcome, outcome));
  }
  for (const [rule, settings, caller, action, resource, outcome] of DEFAULTS) {
    it(rule, () =>
      assert.equal(new RegistryPolicy([acl(SEED)], settings).decide(caller, action, resource).outcome, outcome),
    );
  }

  for (const [caller, action, outcome] of [
    [workload('a', 'dev'), 'read', 'ALLOW_DEFAULT'],
    [workload('a', 'dev'), 'write', 'ALLOW_DEFAULT'],
    [workload('a', 'dev'), 'admin', 'DENY'],
    [token('t'), 'read', 'ALLOW_DEFAULT'],
    [token('t'), 'write', 'DENY'],
    [ANONYMOUS, 'read', 'DENY'],
    [OPERATOR, 'admin', 'ALLOW'],
  ] as const) {
    it(`where nothing is written, answers ${outcome} to ${action} of ${caller.kind}`, () => {
      assert.equal(new RegistryPolicy([]).decide(caller, action, PAYMENT).outcome, outcome);
    });
  }

  it('records each outcome by its name, and what is asked again and again once a minute with its number', async () => {
    const clock = new FakeClock();
    const journal = await Journal.open(createMemoryJournalStore(), clock);
    const failed = (error: unknown): never => assert.fail(String(error));
    const policy = new RegistryPolicy([acl(SEED)], { defaultPolicy: 'allow' });
    const access = new RegistryAccess({ policy: () => policy, record: new AccessRecord({ journal, clock, failed }) });
    const asked = { ...PAYMENT, sourceIp: '192.0.2.1' };
    for (let time = 0; time < 5; time += 1) access.authorizeRequest(workload('order'), 'read', asked);
    access.authorizeRequest(workload('order'), 'write', asked);
    for (let time = 0; time < 2; time += 1) access.authorizeRequest(workload('x', 'dev'), 'read', asked);
    clock.advance(60_000);
    await journal.settle();
    const entries = await journal.read({ stream: 'audit', limit: 20, order: 'oldest-first' });
    const records = entries.map((entry) => auditRecord(entry));
    assert.deepEqual(
      records.map(({ event_type, result, details }) => [event_type, result, details['outcome'], details['times'] ?? 1]),
      [
        ['DISCOVERY_QUERY', 'SUCCESS', 'ALLOW', 1],
        ['AUTHORIZATION_ALLOWED', 'SUCCESS', 'ALLOW_DEFAULT', 1],
        ['AUTHORIZATION_DENIED', 'DENIED', 'DENY', 1],
        ['AUTHORIZATION_DENIED', 'DENIED', 'DENY', 1],
        ['DISCOVERY_QUERY', 'SUCCESS', 'ALLOW', 4],
      ],
    );
    const [first] = records;
    assert.equal(first?.identity, 'spiffe://cluster/ns/prod/sa/order');
    assert.equal(first?.service_name, 'payment-service');
    assert.equal(first?.source_ip, '192.0.2.1');
    assert.equal(first?.details['resource'], 'service:payment-service.prod');
  });

  it('records questions whose source anybody can forge as one a minute for each service, whoever asked', async () => {
    const clock = new FakeClock();
    const journal = await Journal.open(createMemoryJournalStore(), clock);
    const failed = (error: unknown): never => assert.fail(String(error));
    const policy = new RegistryPolicy([acl(SEED)]);
    const access = new RegistryAccess({ policy: () => policy, record: new AccessRecord({ journal, clock, failed }) });
    for (let host = 0; host < 200; host += 1) {
      const source = { over: 'dns', sourceIp: `192.0.2.${host}` };
      assert.equal(access.mayAnybodyRead(PAYMENT, source), false);
      access.recordUnknown(source);
    }
    clock.advance(60_000);
    await journal.settle();
    const entries = await journal.read({ stream: 'audit', limit: 20, order: 'oldest-first' });
    const records = entries.map((entry) => auditRecord(entry));
    assert.deepEqual(
      records.map(({ event_type, identity, service_name, source_ip, details }) => [
        event_type,
        identity,
        service_name,
        source_ip,
        details['times'] ?? 1,
      ]),
      [
        ['AUTHORIZATION_DENIED', 'anonymous', 'payment-service', '192.0.2.0', 1],
        ['DISCOVERY_QUERY', 'anonymous', '', '192.0.2.0', 1],
        ['AUTHORIZATION_DENIED', 'anonymous', 'payment-service', '', 199],
        ['DISCOVERY_QUERY', 'anonymous', '', '', 199],
      ],
    );
    const { sources } = records[2]?.details ?? {};
    assert.equal(Array.isArray(sources) ? sources.length : 0, 10);
  });
});

describe('AuthenticateRequest', () => {
  const PEER = workload('payment');
  const tokens = { validate: (text: string) => (text === 'good' ? token('ci', 'ops') : undefined) };
  const certificate = (): { ok: true; value: RegistryIdentity } => ({ ok: true, value: PEER });
  const bad = (): { ok: false; problem: { reason: string; claimed: string } } => ({
    ok: false,
    problem: { reason: 'expired', claimed: 'spiffe://cluster/ns/prod/sa/payment' },
  });
  const cases: readonly (readonly [rule: string, credentials: Credentials, allowAnonymous: boolean, answer: string])[] =
    [
      ['a token names its holder', { authorization: 'Bearer good' }, false, 'token ci'],
      ['the scheme is of any case', { authorization: 'bearer good' }, false, 'token ci'],
      ['a token comes before a certificate', { authorization: 'Bearer good', certificate }, false, 'token ci'],
      [
        'a wrong token is not saved by a certificate',
        { authorization: 'Bearer bad', certificate },
        false,
        'Invalid token',
      ],
      ['a wrong token is not saved by anonymous access', { authorization: 'Bearer bad' }, true, 'Invalid token'],
      ['another scheme is no token', { authorization: 'Basic Z29vZA==' }, true, 'Invalid token'],
      ['an empty header is no token', { authorization: '' }, true, 'Invalid token'],
      ['a certificate names its holder', { certificate }, false, 'spiffe'],
      ['a bad certificate is refused', { certificate: bad }, false, 'Invalid certificate'],
      ['a bad certificate is not saved by anonymous access', { certificate: bad }, true, 'Invalid certificate'],
      ['nothing is anonymous where that is allowed', {}, true, 'anonymous'],
      ['nothing is refused where it is not', {}, false, 'Authentication required'],
    ];
  for (const [rule, credentials, allowAnonymous, answer] of cases) {
    it(rule, async () => {
      const result = await authenticateRequest(credentials, { tokens, allowAnonymous });
      const { value, problem } = { value: undefined, problem: undefined, ...result };
      assert.equal(problem?.error.code, result.ok ? undefined : 'UNAUTHENTICATED');
      assert.equal(problem?.error.message ?? (value?.kind === 'token' ? `token ${value.name}` : value?.kind), answer);
    });
  }
});

describe('the name of a resource', () => {
  for (const [text, resource] of [
    ['service:payment', { service: 'payment', namespace: 'home' }],
    ['service:payment.prod', { service: 'payment', namespace: 'prod' }],
    ['service:payment/*', { service: 'payment', namespace: 'home' }],
    ['namespace:prod/*', { namespace: 'prod' }],
    ['namespace:prod', { namespace: 'prod' }],
  ] as const) {
    it(`${text} is read, and written again`, () => {
      const parsed = parseResourceText(text, 'home');
      assert.deepEqual(parsed, { ok: true, value: resource });
      assert.deepEqual(parseResourceText(resourceText(resource), ''), parsed);
    });
  }
  for (const text of ['', 'payment', 'service:', 'service:A', 'service:a.b.c', 'node:a', 'namespace:*']) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseResourceText(text, 'home').ok, false));
  }
});
