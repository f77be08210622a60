import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AclRule, RampartError, type RegistryAcl, type RegistrySettingsSpec, SpiffeId } from '@rampart/core';
import { createMemoryJournalStore, Journal } from '@rampart/journal';
import { AccessRecord } from '../access/access-record.ts';
import { RegistryAccess } from '../access/authorization.ts';
import { RegistryPolicy } from '../access/registry-policy.ts';
import { FakeClock } from '../leases/fake-clock.ts';
import { createMemoryRegistryStore } from '../memory-store.ts';
import type { RegistrationRequest } from '../registration/registration.ts';
import { openRegistry, type Registry } from '../registry.ts';
import { Approvals } from './approval/approvals.ts';
import { createMemoryApprovalStore } from './approval/store.ts';
import type { RegistryIdentity } from './identity.ts';
import { SecureAdmission } from './secure-admission.ts';

const workload = (account: string, namespace = 'prod'): RegistryIdentity => ({
  kind: 'spiffe',
  id: SpiffeId.of(`spiffe://cluster/ns/${namespace}/sa/${account}`),
});
const token = (name: string, ...teams: string[]): RegistryIdentity => ({ kind: 'token', name, teams });
const OPERATOR: RegistryIdentity = { kind: 'operator', name: 'alice' };
const PAYMENT = workload('payment-service');

const acl = (rules: readonly AclRule[]): RegistryAcl => ({
  apiVersion: 'rampart.dev/v1',
  kind: 'RegistryAcl',
  metadata: { name: 'rules', namespace: 'istio-system', labels: {}, annotations: {} },
  spec: { rules },
});
const request = (fields: Partial<RegistrationRequest> = {}): RegistrationRequest => ({
  service: 'payment-service',
  namespace: 'prod',
  instanceId: 'payment-1',
  host: '10.0.1.1',
  port: 8080,
  protocol: 'http',
  labels: {},
  sourceIp: '10.0.1.50',
  ...fields,
});

class World {
  readonly clock = new FakeClock();
  readonly journal: Journal;
  readonly registry: Registry;
  readonly approvals: Approvals;
  policy: RegistryPolicy;

  private constructor(
    parts: Pick<World, 'journal' | 'registry' | 'approvals' | 'policy'> & { readonly clock: FakeClock },
  ) {
    this.clock = parts.clock;
    this.journal = parts.journal;
    this.registry = parts.registry;
    this.approvals = parts.approvals;
    this.policy = parts.policy;
  }

  static async open(rules: readonly AclRule[], settings: RegistrySettingsSpec = {}): Promise<World> {
    const clock = new FakeClock();
    const journal = await Journal.open(createMemoryJournalStore(), clock);
    const record = new AccessRecord({ journal, clock, failed: (error) => assert.fail(String(error)) });
    const policy = new RegistryPolicy(rules.length === 0 ? [] : [acl(rules)], settings);
    const current = (): RegistryPolicy => world.policy;
    const access = new RegistryAccess({ policy: current, record });
    const approvals = await Approvals.open({ store: createMemoryApprovalStore(), journal, clock });
    const admission = new SecureAdmission({ access, approvals });
    const store = createMemoryRegistryStore();
    const registry = await openRegistry({ store, journal, clock, random: () => 0.5, admission });
    const world = new World({ clock, journal, registry, approvals, policy });
    return world;
  }

  /** "SUCCESS", or what the refused caller was told. */
  async register(who: RegistryIdentity, fields: Partial<RegistrationRequest> = {}): Promise<string> {
    const registered = await this.registry.register(who, request(fields));
    return registered.ok ? 'SUCCESS' : registered.problem.message;
  }

  async events(): Promise<string[]> {
    await this.journal.settle();
    const entries = await this.journal.read({ stream: 'audit', limit: 100, order: 'oldest-first' });
    return entries.map(({ kind }) => kind).filter((kind) => !kind.startsWith('AUTHORIZATION'));
  }
}

const WRITE: readonly AclRule[] = [{ service: 'payment-service', policy: 'write' }];
const AUTHORIZED = 'Not authorized to register this service';
const MISMATCH = 'Identity does not match service name';
const NETWORK = 'Registration from unauthorized network';
const patterns = (pattern: string): RegistrySettingsSpec => ({ identityPatterns: [{ service: 'payment-*', pattern }] });
const networks = (...cidrs: string[]): RegistrySettingsSpec => ({ networks: [{ service: 'payment-*', cidrs }] });

type Case = readonly [
  rule: string,
  rules: readonly AclRule[],
  settings: RegistrySettingsSpec,
  who: RegistryIdentity,
  fields: Partial<RegistrationRequest>,
  answer: string,
  event: string,
];

const CASES: readonly Case[] = [
  ['an authorized identity of the service proceeds', WRITE, {}, PAYMENT, {}, 'SUCCESS', 'REGISTRATION'],
  [
    'whoever may only read is refused',
    [{ service: 'payment-service', policy: 'read' }],
    {},
    PAYMENT,
    {},
    AUTHORIZED,
    'REGISTRATION_DENIED',
  ],
  [
    'whoever may do everything with other services is refused',
    [{ servicePrefix: 'order-', policy: 'admin' }],
    {},
    PAYMENT,
    {},
    AUTHORIZED,
    'REGISTRATION_DENIED',
  ],
  [
    'authorization is asked before the identity',
    [{ service: 'x', policy: 'write' }],
    {},
    workload('other'),
    {},
    AUTHORIZED,
    'REGISTRATION_DENIED',
  ],
  ['an identity of another name is refused', WRITE, {}, workload('order-service'), {}, MISMATCH, 'IDENTITY_MISMATCH'],
  [
    'an identity of another namespace is refused',
    [{ namespace: '*', policy: 'write' }],
    {},
    workload('payment-service', 'dev'),
    {},
    MISMATCH,
    'IDENTITY_MISMATCH',
  ],
  [
    'a token of another name is refused',
    [{ namespace: 'prod', policy: 'write' }],
    {},
    token('order-service'),
    {},
    MISMATCH,
    'IDENTITY_MISMATCH',
  ],
  [
    'a token of the name of the service proceeds',
    [{ namespace: 'prod', policy: 'write' }],
    {},
    token('payment-service'),
    {},
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'a pattern lets another name in',
    WRITE,
    patterns('spiffe://cluster/ns/prod/sa/pay*'),
    workload('payer'),
    {},
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'a pattern is filled in',
    WRITE,
    patterns('spiffe://*/ns/{namespace}/sa/{service}'),
    PAYMENT,
    {},
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'a pattern keeps the own name out',
    WRITE,
    patterns('spiffe://cluster/ns/prod/sa/payer'),
    PAYMENT,
    {},
    MISMATCH,
    'IDENTITY_MISMATCH',
  ],
  [
    'a pattern for a team lets its tokens in',
    [{ namespace: 'prod', policy: 'write' }],
    patterns('team:ops'),
    token('bob', 'ops'),
    {},
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'an operator registers for an identity that the pattern names',
    WRITE,
    patterns('spiffe://cluster/ns/prod/sa/payer'),
    OPERATOR,
    { identity: 'spiffe://cluster/ns/prod/sa/payer' },
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'an operator cannot register for another one',
    WRITE,
    patterns('spiffe://cluster/ns/prod/sa/payer'),
    OPERATOR,
    { identity: 'spiffe://cluster/ns/prod/sa/x' },
    MISMATCH,
    'IDENTITY_MISMATCH',
  ],
  [
    'an address in its networks proceeds',
    WRITE,
    networks('192.0.2.0/24', '10.0.0.0/16'),
    PAYMENT,
    {},
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'an address outside of them is refused',
    WRITE,
    networks('10.0.0.0/24'),
    PAYMENT,
    { host: '10.99.99.99' },
    NETWORK,
    'NETWORK_VIOLATION',
  ],
  [
    'an address that is written as IPv6 is what it carries',
    WRITE,
    networks('10.0.0.0/16'),
    PAYMENT,
    { host: '::ffff:10.0.1.1' },
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'and gets nobody around its networks',
    WRITE,
    networks('10.0.0.0/16', '::/0'),
    PAYMENT,
    { host: '::ffff:a63:6363' },
    NETWORK,
    'NETWORK_VIOLATION',
  ],
  [
    'a network may be written as IPv6, too',
    WRITE,
    networks('::ffff:10.0.0.0/112'),
    PAYMENT,
    {},
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'an IPv6 address is in IPv6 networks',
    WRITE,
    networks('2001:db8::/32'),
    PAYMENT,
    { host: '2001:db8::1' },
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'a host name can stand for any address',
    WRITE,
    networks('0.0.0.0/0', '::/0'),
    PAYMENT,
    { host: 'payment.example' },
    NETWORK,
    'NETWORK_VIOLATION',
  ],
  [
    'the identity is asked before the network',
    WRITE,
    networks('192.0.2.0/24'),
    workload('x'),
    {},
    MISMATCH,
    'IDENTITY_MISMATCH',
  ],
  [
    'networks of other services do not count',
    WRITE,
    { networks: [{ service: 'order-*', cidrs: ['192.0.2.0/24'] }] },
    PAYMENT,
    {},
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'without rules a workload registers what it was attested as',
    [],
    {},
    { ...workload('x'), service: 'payment-service' } as RegistryIdentity,
    {},
    'SUCCESS',
    'REGISTRATION',
  ],
  [
    'without rules it registers nothing else',
    [],
    {},
    { ...PAYMENT, service: 'order-service' } as RegistryIdentity,
    {},
    MISMATCH,
    'IDENTITY_MISMATCH',
  ],
  [
    'without rules it registers in no other namespace',
    [],
    {},
    { ...workload('x', 'dev'), service: 'payment-service' } as RegistryIdentity,
    {},
    MISMATCH,
    'IDENTITY_MISMATCH',
  ],
  ['without rules a token registers nothing', [], {}, token('payment-service'), {}, AUTHORIZED, 'REGISTRATION_DENIED'],
  [
    'anonymous callers register only what a rule lets them',
    WRITE,
    {},
    { kind: 'anonymous' },
    {},
    AUTHORIZED,
    'REGISTRATION_DENIED',
  ],
  [
    'a bad address is refused before anything is asked',
    WRITE,
    {},
    workload('x'),
    { host: '224.0.0.1' },
    'this registration was refused: host must be an address of a host, not a link-local, multicast or reserved one',
    'REGISTRATION_DENIED',
  ],
];

describe('SecureRegister', () => {
  for (const [rule, rules, settings, who, fields, answer, event] of CASES) {
    it(rule, async () => {
      const world = await World.open(rules, settings);
      assert.equal(await world.register(who, fields), answer);
      assert.deepEqual(await world.events(), [event]);
      const found = world.registry.discovery.find({ service: 'payment-service', namespace: 'prod' }).instances.length;
      assert.equal(found, answer === 'SUCCESS' ? 1 : 0);
      await world.registry.close();
    });
  }
});

describe('an instance of somebody else', () => {
  const deregister = async (
    who: RegistryIdentity,
    rules: readonly AclRule[],
    instanceId = 'payment-1',
  ): Promise<string> => {
    const world = await World.open(rules);
    assert.equal(await world.register(PAYMENT), 'SUCCESS');
    const gone = await world.registry.deregister(who, instanceId, { reason: 'test' });
    await world.registry.close();
    return gone.ok ? 'SUCCESS' : `${gone.problem.code} ${gone.problem.message}`;
  };

  it('can be deregistered by whoever has admin on the service, and by its owner', async () => {
    assert.equal(
      await deregister(token('bob', 'ops'), [
        ...WRITE,
        { service: 'payment-service', policy: 'admin', identity: 'team:ops', namespace: 'prod' },
      ]),
      'SUCCESS',
    );
    assert.equal(await deregister(OPERATOR, WRITE), 'SUCCESS');
    assert.equal(await deregister(PAYMENT, WRITE), 'SUCCESS');
  });

  it('cannot be deregistered by whoever has less', async () => {
    assert.match(
      await deregister(workload('order-service'), WRITE),
      /^PERMISSION_DENIED instance "payment-1" is held by another/,
    );
  });

  it('is, for whoever may not know of the service, what an unknown one is', async () => {
    const rules: readonly AclRule[] = [
      { service: 'payment-service', policy: 'write', identity: 'spiffe://cluster/ns/prod/sa/payment-service' },
    ];
    const refused = await deregister(workload('x'), rules);
    const unknown = await deregister(workload('x'), rules, 'payment-2');
    assert.equal(refused, 'NOT_FOUND instance "payment-1" is not registered');
    assert.equal(unknown, refused.replace('payment-1', 'payment-2'));
  });

  it('is no longer renewed by an owner who may no longer register', async () => {
    const world = await World.open(WRITE);
    assert.equal(await world.register(PAYMENT), 'SUCCESS');
    assert.deepEqual(await world.registry.renew(PAYMENT, ['payment-1']), []);
    world.policy = new RegistryPolicy([acl([{ service: 'payment-service', policy: 'read' }])]);
    assert.deepEqual(await world.registry.renew(PAYMENT, ['payment-1']), ['payment-1']);
    await world.registry.close();
  });
});

describe('registration approval', () => {
  const WAITING = 'Registration is waiting for approval';
  const by = { name: 'admin:alice', sourceIp: '192.0.2.1' };
  const which = { service: 'payment-service', namespace: 'prod' };
  const BOTH: RegistrySettingsSpec = { ...patterns('spiffe://cluster/ns/prod/sa/*') };

  it('lets a new service wait, once on the list, until it is approved', async () => {
    const world = await World.open(WRITE, { ...BOTH, approval: 'new-services' });
    assert.equal(await world.register(PAYMENT), WAITING);
    assert.equal(await world.register(PAYMENT), WAITING);
    assert.deepEqual(
      world.approvals.pending().map(({ identity, host, port, sourceIp }) => [identity, host, port, sourceIp]),
      [['spiffe://cluster/ns/prod/sa/payment-service', '10.0.1.1', 8080, '10.0.1.50']],
    );
    let told = 0;
    world.approvals.onDecided(() => void (told += 1));
    await world.approvals.decide(which, 'approved', by);
    assert.equal(told, 1);
    assert.equal(await world.register(PAYMENT), 'SUCCESS');
    // The service is known now, whoever registers it.
    assert.equal(await world.register(workload('second'), { instanceId: 'payment-2' }), 'SUCCESS');
    assert.deepEqual(await world.events(), [
      'REGISTRATION_PENDING',
      'REGISTRATION_PENDING',
      'REGISTRATION_APPROVED',
      'REGISTRATION',
      'REGISTRATION',
    ]);
    await world.registry.close();
  });

  it('lets each new identity wait where that is asked for', async () => {
    const world = await World.open(WRITE, { ...BOTH, approval: 'new-identities' });
    assert.equal(await world.register(PAYMENT), WAITING);
    await world.approvals.decide(which, 'approved', by);
    assert.equal(await world.register(PAYMENT), 'SUCCESS');
    assert.equal(await world.register(workload('second'), { instanceId: 'payment-2' }), WAITING);
    await world.registry.close();
  });

  it('keeps a rejected identity out, until it is approved after all', async () => {
    const world = await World.open(WRITE, { ...BOTH, approval: 'new-services' });
    assert.equal(await world.register(PAYMENT), WAITING);
    await world.approvals.decide(which, 'rejected', by);
    assert.equal(await world.register(PAYMENT), 'Registration was rejected');
    await world.approvals.decide({ ...which, identity: 'spiffe://cluster/ns/prod/sa/second' }, 'approved', by);
    assert.equal(await world.register(PAYMENT), 'Registration was rejected');
    assert.equal(await world.register(workload('second')), 'SUCCESS');
    await world.registry.close();
  });

  it('is asked after everything else', async () => {
    const world = await World.open(WRITE, { approval: 'new-services' });
    assert.equal(await world.register(workload('x')), MISMATCH);
    assert.equal(world.approvals.pending().length, 0);
    await world.registry.close();
  });

  it('is not asked of those who were there before', async () => {
    const world = await World.open(WRITE, { approval: 'new-identities' });
    await world.approvals.learn([{ ...which, identity: 'spiffe://cluster/ns/prod/sa/payment-service' }]);
    assert.equal(await world.register(PAYMENT), 'SUCCESS');
    await world.registry.close();
  });

  it('is not decided where nobody waits', async () => {
    const world = await World.open(WRITE, { approval: 'new-services' });
    await assert.rejects(
      world.approvals.decide(which, 'approved', by),
      (error) => error instanceof RampartError && error.code === 'NOT_FOUND',
    );
    await world.registry.close();
  });

  it('takes only so many requests of one identity', async () => {
    const world = await World.open([{ namespace: 'prod', policy: 'write' }], {
      identityPatterns: [{ service: '*', pattern: '*' }],
      approval: 'new-services',
    });
    for (let index = 0; index < 100; index += 1)
      assert.equal(await world.register(PAYMENT, { service: `s-${index}` }), WAITING);
    assert.match(await world.register(PAYMENT, { service: 'one-more' }), /too many registrations wait/);
    await world.registry.close();
  });
});
