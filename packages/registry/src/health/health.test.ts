import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { ok, SpiffeId } from '@rampart/core';
import { auditRecord, createMemoryJournalStore, Journal } from '@rampart/journal';
import type { RegistryIdentity } from '../admission/identity.ts';
import { ownServiceAdmission } from '../admission/own-service.ts';
import type { DiscoveredInstance } from '../discovery/discovery.ts';
import { FakeClock } from '../leases/fake-clock.ts';
import { createMemoryRegistryStore } from '../memory-store.ts';
import type { RegistrationRequest } from '../registration/registration.ts';
import { openRegistry, type Registry } from '../registry.ts';
import type { RegistryStore } from '../store.ts';
import type { CheckRequest } from './check-request.ts';
import { probeLimits, type ProbeLimits } from './probe-target.ts';
import type { ProbeResult } from './probe.ts';

const WHO: RegistryIdentity = { kind: 'spiffe', id: SpiffeId.of('spiffe://cluster.local/ns/default/sa/a') };
const OPERATOR: RegistryIdentity = { kind: 'operator', name: 'x' };
const REQUEST: RegistrationRequest = {
  service: 'a',
  namespace: 'default',
  instanceId: 'i',
  host: '10.0.0.1',
  port: 80,
  protocol: 'http',
  labels: {},
  leaseMs: 0,
  sourceIp: '10.0.0.1',
};
const TCP: CheckRequest = { kind: { type: 'tcp' }, intervalMs: 10_000 };
const TTL: CheckRequest = { kind: { type: 'ttl', ttlMs: 30_000 }, initialStatus: 'passing' };

describe('a check that the server runs', () => {
  it('is critical until it has passed, and is looked at soon', async () => {
    const test = await setUp();
    await test.register({ checks: [TCP] });
    assert.equal(test.health, 'critical');
    await test.run(500);
    assert.deepEqual([test.health, test.runs], ['passing', 1]);
  });

  it('is run once in each interval, give or take a little', async () => {
    const test = await setUp();
    await test.register({ checks: [TCP] });
    await test.run(500);
    for (let round = 2; round < 5; round += 1) {
      await test.run(10_500);
      assert.equal(test.runs, round);
    }
  });

  it('changes what can be found, the store and the revision with its status, and with nothing else', async () => {
    const test = await setUp();
    await test.register({ checks: [TCP] });
    await test.run(500);
    const { revision } = test.registry;
    test.result = { status: 'passing', output: 'other words' };
    await test.run(10_500);
    assert.deepEqual([test.registry.revision, test.instance?.state.checks[0]?.output], [revision, 'other words']);
    test.result = { status: 'critical', output: 'refused' };
    await test.run(10_500);
    assert.deepEqual([test.registry.revision, test.health], [revision + 1, 'critical']);
    assert.equal(test.registry.discovery.find({ ...REQUEST, health: 'usable' }).instances.length, 0);
    assert.equal((await test.store.instances())[0]?.checks[0]?.status, 'critical');
  });

  it('that does not end is critical after its timeout, and told to end', async () => {
    const test = await setUp();
    test.result = new Promise(() => undefined);
    await test.register({ checks: [{ ...TCP, timeoutMs: 2000, initialStatus: 'passing' }] });
    await test.run(500);
    assert.equal(test.health, 'passing');
    await test.run(2000);
    assert.deepEqual([test.health, test.instance?.state.checks[0]?.output], ['critical', 'no answer within 2000 ms']);
    assert.equal(test.signal?.aborted, true);
  });

  it('that cannot be run is critical, and reported to operators', async () => {
    const test = await setUp();
    const broken = Promise.reject(new Error('a bug'));
    broken.catch(() => undefined);
    test.result = broken;
    await test.register({ checks: [TCP] });
    await test.run(500);
    assert.deepEqual([test.health, test.failures.length], ['critical', 1]);
  });

  it('waits for its turn when too many are under way', async () => {
    const test = await setUp();
    let end: (result: ProbeResult) => void = () => undefined;
    test.result = new Promise((resolve) => (end = resolve));
    for (let index = 0; index < 200; index += 1) await test.register({ checks: [TCP], instanceId: `i${index}` });
    await test.run(500);
    assert.equal(test.runs, 32);
    end({ status: 'passing', output: '' });
    await test.run(300);
    assert.equal(test.runs, 200);
  });

  it('of an instance that is gone is not run any more', async () => {
    const test = await setUp();
    await test.register({ checks: [TCP] });
    await test.registry.deregister(WHO, 'i', { reason: 'x' });
    await test.run(60_000);
    assert.equal(test.runs, 0);
  });

  it('after a restart says what it said last until it is run again', async () => {
    const test = await setUp();
    await test.register({ checks: [TCP] });
    await test.run(500);
    const restarted = await test.reopen();
    assert.equal(restarted.discovery.instance('i')?.state.health, 'passing');
    await restarted.close();
  });

  it('keeps what it said when an instance registers with other values', async () => {
    const test = await setUp();
    await test.register({ checks: [TCP] });
    await test.run(500);
    await test.register({ checks: [TCP], port: 81 });
    assert.equal(test.health, 'passing');
  });
});

describe('a TTL check', () => {
  it('is critical when it was not reported in time', async () => {
    const test = await setUp();
    await test.register({ checks: [TTL] });
    await test.run(29_999);
    assert.equal(test.health, 'passing');
    await test.run(1);
    assert.equal(test.health, 'critical');
  });

  it('counts from the start whenever it is reported, whatever is said', async () => {
    const test = await setUp();
    await test.register({ checks: [TTL] });
    for (const status of ['passing', 'warning', 'passing'] as const) {
      await test.run(20_000);
      const reported = await test.registry.reportCheck(WHO, 'i', { status, output: 'fine' });
      assert.equal(reported.ok && reported.value.state.health, status);
    }
  });

  it('is reported by its owner alone', async () => {
    const test = await setUp();
    await test.register({ checks: [TTL] });
    const other: RegistryIdentity = { kind: 'spiffe', id: SpiffeId.of('spiffe://cluster.local/ns/default/sa/b') };
    const reported = await test.registry.reportCheck(other, 'i', { status: 'critical', output: '' });
    assert.equal(!reported.ok && reported.problem.code, 'PERMISSION_DENIED');
    assert.equal(test.health, 'passing');
  });

  it('is the only kind that can be reported', async () => {
    const test = await setUp();
    await test.register({ checks: [TCP] });
    const reported = await test.registry.reportCheck(WHO, 'i', { checkId: 'service:i', status: 'passing', output: '' });
    assert.equal(!reported.ok && reported.problem.code, 'INVALID_ARGUMENT');
  });
});

describe('an instance that is critical', () => {
  it('is deregistered, with a record, when it stays so for as long as it said', async () => {
    const test = await setUp();
    await test.register({ checks: [TTL], deregisterCriticalAfterMs: 60_000 });
    await test.run(30_000 + 59_999);
    assert.equal(test.health, 'critical');
    await test.run(1);
    assert.equal(test.instance, undefined);
    assert.deepEqual((await test.audit())[0]?.details, { namespace: 'default', reason: 'critical for too long' });
  });

  it('is not, when it recovers in between, or is in maintenance', async () => {
    const test = await setUp();
    await test.register({ checks: [TTL], deregisterCriticalAfterMs: 60_000 });
    await test.run(30_000 + 40_000);
    await test.registry.reportCheck(WHO, 'i', { status: 'passing', output: '' });
    await test.run(30_000 + 59_999);
    assert.equal(test.health, 'critical');
    await test.registry.setMaintenance(WHO, 'i', { maintenance: { reason: 'disk' } });
    await test.run(600_000);
    assert.equal(test.health, 'maintenance');
  });
});

describe('drain and maintenance', () => {
  it('are durable, recorded, and outlast a registration and a restart', async () => {
    const test = await setUp();
    await test.register({});
    await test.registry.drain(WHO, 'i', { draining: true, sourceIp: '10.0.0.1' });
    await test.registry.setMaintenance(OPERATOR, 'i', { maintenance: { reason: 'disk' }, sourceIp: '10.0.0.9' });
    await test.register({ port: 81 });
    const restarted = await test.reopen();
    assert.deepEqual(restarted.discovery.instance('i')?.state, {
      draining: true,
      maintenance: { reason: 'disk' },
      checks: [],
      health: 'maintenance',
    });
    await restarted.close();
    const standings = (await test.audit()).filter(({ event_type }) => event_type === 'INSTANCE_STANDING');
    assert.deepEqual(
      standings.map(({ identity, source_ip, details }) => [identity, source_ip, details]),
      [
        ['operator:x', '10.0.0.9', { namespace: 'default', draining: true, maintenance: 'disk' }],
        [
          'spiffe://cluster.local/ns/default/sa/a',
          '10.0.0.1',
          { namespace: 'default', draining: true, maintenance: '' },
        ],
      ],
    );
  });
});

const SCRIPT: CheckRequest = { kind: { type: 'script', args: ['true'] } };

const TOKEN: RegistryIdentity = { kind: 'token', name: 't', teams: [] };
const OTHER = 'spiffe://cluster.local/ns/default/sa/payments';

describe('an identity that must answer', () => {
  const named: readonly (readonly [rule: string, accepted: boolean, who: RegistryIdentity, identity: string])[] = [
    ["is a workload's own", true, WHO, 'spiffe://cluster.local/ns/default/sa/a'],
    ["is not another one's, whatever the admission thinks of a workload", false, WHO, OTHER],
    ['is none where a workload registers', false, WHO, ''],
    ["is not somebody's, whatever the admission thinks of a token", false, TOKEN, OTHER],
    ['is none where a token registers', true, TOKEN, ''],
    ['is whose an operator says', true, OPERATOR, OTHER],
  ];
  for (const [rule, accepted, who, identity] of named)
    it(rule, async () => {
      const { registry } = await setUp();
      const registered = await registry.register(who, { ...REQUEST, identity });
      assert.equal(registered.ok, accepted);
      if (registered.ok) assert.equal(registered.value.identity, identity);
    });
});

/** Where the control plane may be made to knock. */
const AIMED: readonly (readonly [
  rule: string,
  allowed: boolean,
  who: RegistryIdentity,
  request: Partial<RegistrationRequest>,
  probes?: ProbeLimits,
])[] = [
  ['checks of the address that the registration comes from', true, WHO, { checks: [TCP] }],
  ['checks of another address', false, WHO, { checks: [TCP], host: '10.0.0.2' }],
  ['checks of another name', false, WHO, { checks: [TCP], host: 'database.internal' }],
  ['checks when nobody knows where the registration comes from', false, WHO, { checks: [TCP], sourceIp: '' }],
  ['TTL checks of whatever address', true, WHO, { checks: [TTL], host: '10.0.0.2' }],
  ['no checks of whatever address', true, WHO, { host: '10.0.0.2' }],
  ['checks of another address by an operator', true, OPERATOR, { checks: [TCP], host: '10.0.0.2' }],
  ['checks of a probe network', true, WHO, { checks: [TCP], host: '10.1.2.3' }, probeLimits(['10.1.0.0/16'], false)],
  ['checks beside it', false, WHO, { checks: [TCP], host: '10.2.2.3' }, probeLimits(['10.1.0.0/16'], false)],
  ['scripts', false, OPERATOR, { checks: [SCRIPT] }],
  ['scripts where they are allowed, by an operator', true, OPERATOR, { checks: [SCRIPT] }, probeLimits([], true)],
  ['scripts where they are allowed, by a workload', false, WHO, { checks: [SCRIPT] }, probeLimits([], true)],
];

describe('a registration with', () => {
  for (const [rule, allowed, who, request, probes] of AIMED)
    it(`${rule} is ${allowed ? 'accepted' : 'refused'}`, async () => {
      const test = await setUp(probes);
      const registered = await test.registry.register(who, { ...REQUEST, ...request });
      assert.equal(registered.ok, allowed);
      if (!registered.ok) assert.match(registered.problem.message, /checks/);
    });
});

interface AuditRow {
  readonly event_type: string;
  readonly identity: string;
  readonly source_ip: string;
  readonly details: unknown;
}

interface Test {
  readonly registry: Registry;
  readonly store: RegistryStore;
  readonly failures: unknown[];
  /** What every probe gives. */
  result: ProbeResult | Promise<ProbeResult>;
  readonly runs: number;
  readonly signal: AbortSignal | undefined;
  readonly instance: DiscoveredInstance | undefined;
  readonly health: string | undefined;
  register(change: Partial<RegistrationRequest>): Promise<void>;
  /** Moves the clock in small steps, so that work which waits for the loop can go on. */
  run(milliseconds: number): Promise<void>;
  audit(): Promise<AuditRow[]>;
  reopen(): Promise<Registry>;
}

const open: Registry[] = [];
afterEach(async () => {
  for (const registry of open.splice(0)) await registry.close();
});

async function setUp(probes?: ProbeLimits): Promise<Test> {
  const clock = new FakeClock();
  const store = createMemoryRegistryStore();
  const journal = await Journal.open(createMemoryJournalStore(), clock);
  const failures: unknown[] = [];
  const reopen = async (): Promise<Registry> => {
    const registry = await openRegistry({
      store,
      journal,
      clock,
      random: () => 0.5,
      onFailure: (error) => failures.push(error),
      admission: { admit: () => ok(undefined), manage: ownServiceAdmission.manage },
      ...(probes === undefined ? {} : { probes }),
    });
    open.push(registry);
    return registry;
  };
  const registry = await reopen();
  let runs = 0;
  let signal: AbortSignal | undefined;
  const test: Test = {
    registry,
    store,
    failures,
    result: { status: 'passing', output: 'accepted' },
    get runs() {
      return runs;
    },
    get signal() {
      return signal;
    },
    get instance() {
      return registry.discovery.instance('i');
    },
    get health() {
      return test.instance?.state.health;
    },
    register: async (change) => {
      const registered = await registry.register(WHO, { ...REQUEST, ...change });
      assert.ok(registered.ok);
    },
    run: async (milliseconds) => {
      const steps = 20;
      for (let step = 0; step < steps; step += 1) {
        clock.advance(milliseconds / steps);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    audit: async () => (await journal.read({ stream: 'audit', limit: 100, order: 'newest-first' })).map(auditRecord),
    reopen,
  };
  registry.startChecks(async (_instance, _check, given) => {
    runs += 1;
    signal = given;
    return test.result;
  });
  return test;
}
