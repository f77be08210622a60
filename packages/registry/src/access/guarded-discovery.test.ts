import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type AclRule, type RegistryAcl, SpiffeId } from '@rampart/core';
import { createMemoryJournalStore, Journal } from '@rampart/journal';
import type { RegistryIdentity } from '../admission/identity.ts';
import type { WatchEvent } from '../discovery/discovery.ts';
import { FakeClock } from '../leases/fake-clock.ts';
import { createMemoryRegistryStore } from '../memory-store.ts';
import { openRegistry, type Registry } from '../registry.ts';
import { AccessRecord } from './access-record.ts';
import { RegistryAccess } from './authorization.ts';
import { GuardedDiscovery } from './guarded-discovery.ts';
import { RegistryPolicy } from './registry-policy.ts';

const ORDER: RegistryIdentity = { kind: 'spiffe', id: SpiffeId.of('spiffe://cluster/ns/prod/sa/order') };
const OPERATOR: RegistryIdentity = { kind: 'operator', name: 'alice' };
const acl = (rules: readonly AclRule[]): RegistryAcl => ({
  apiVersion: 'rampart.dev/v1',
  kind: 'RegistryAcl',
  metadata: { name: 'rules', namespace: 'istio-system', labels: {}, annotations: {} },
  spec: { rules },
});
const RULES: readonly AclRule[] = [
  { service: 'payment', policy: 'read', identity: 'spiffe://cluster/ns/prod/sa/order' },
];

class Policies {
  policy = new RegistryPolicy([acl(RULES)]);
  lastAt = 0;
  readonly #listeners = new Set<() => void>();

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  change(rules: readonly AclRule[], at: number): void {
    this.policy = new RegistryPolicy([acl(rules)]);
    this.lastAt = at;
    for (const listener of this.#listeners) listener();
  }
}

let registry: Registry;
let policies: Policies;
let view: GuardedDiscovery;

async function register(service: string, namespace = 'prod'): Promise<void> {
  const request = {
    service,
    namespace,
    instanceId: `${service}.${namespace}`,
    host: '10.0.1.1',
    port: 80,
    protocol: 'http',
    labels: {},
    leaseMs: 0,
  };
  assert.ok((await registry.register(OPERATOR, request)).ok);
}

beforeEach(async () => {
  const clock = new FakeClock();
  const journal = await Journal.open(createMemoryJournalStore(), clock);
  registry = await openRegistry({ store: createMemoryRegistryStore(), journal, clock, random: () => 0.5 });
  policies = new Policies();
  const record = new AccessRecord({ journal, clock, failed: (error) => assert.fail(String(error)) });
  const access = new RegistryAccess({ policy: () => policies.policy, record });
  view = new GuardedDiscovery(
    { discovery: registry.discovery, access, policyChanges: policies },
    { identity: ORDER, sourceIp: '' },
  );
  for (const [service, namespace] of [
    ['payment', 'prod'],
    ['secret', 'prod'],
    ['payment', 'staging'],
  ] as const)
    await register(service, namespace);
});

afterEach(() => registry.close());

/** What can be told now, as "put payment.prod". */
function told(event: WatchEvent | undefined): string[] {
  if (event?.kind === 'state') return event.instances.map(({ instanceId }) => `has ${instanceId}`);
  if (event?.kind !== 'changes') return event === undefined ? [] : [event.kind];
  return event.changes.map(
    (change) => `${change.kind} ${change.kind === 'put' ? change.current.instanceId : change.last.instanceId}`,
  );
}

describe('what a caller may find', () => {
  it('is what rules let him know of', () => {
    assert.equal(view.find({ service: 'payment', namespace: 'prod' }).instances.length, 1);
    assert.deepEqual(
      view.services().map(({ name, namespace }) => `${name}.${namespace}`),
      ['payment.prod'],
    );
    assert.equal(view.instance('payment.prod')?.service, 'payment');
  });

  it('is, of everything else, what was never there', () => {
    const unknown = view.find({ service: 'never', namespace: 'prod' });
    for (const query of [
      { service: 'secret', namespace: 'prod' },
      { service: 'payment', namespace: 'staging' },
      { service: 'payment', namespace: 'nowhere' },
    ]) {
      assert.deepEqual(view.find(query), unknown);
    }
    assert.equal(view.instance('secret.prod'), undefined);
    assert.equal(view.instance('payment.staging'), undefined);
    assert.deepEqual(view.services('staging'), []);
  });

  it('is complete or not by the rules alone, whether there is something to hide or not', () => {
    assert.equal(view.isComplete('prod'), false);
    assert.equal(view.isComplete('empty'), false);
    policies.change([{ namespace: 'prod', policy: 'read' }], 0);
    assert.equal(view.isComplete('prod'), true);
    assert.equal(view.isComplete(), false);
    policies.change(
      [
        { namespace: 'prod', policy: 'read' },
        { service: 'nothing', policy: 'deny' },
      ],
      0,
    );
    assert.equal(view.isComplete('prod'), false);
    policies.change([{ namespace: '*', policy: 'read' }], 0);
    assert.equal(view.isComplete(), true);
  });
});

describe('what a caller may watch', () => {
  it('is what rules let him know of', async () => {
    const opened = view.watch('all', () => undefined);
    assert.ok(opened.ok);
    assert.deepEqual(told(opened.value.poll()), ['has payment.prod']);
    await register('other');
    assert.equal(opened.value.poll(), undefined);
    await registry.deregister(OPERATOR, 'payment.prod', { reason: 'test' });
    assert.deepEqual(told(opened.value.poll()), ['gone payment.prod']);
    opened.value.close();
  });

  it('never wakes for a service that he may not know of', async () => {
    let woken = 0;
    const opened = view.watch({ service: 'secret', namespace: 'prod' }, () => void (woken += 1));
    assert.ok(opened.ok);
    assert.deepEqual(told(opened.value.poll()), []);
    await registry.deregister(OPERATOR, 'secret.prod', { reason: 'test' });
    assert.equal(woken, 0);
    assert.equal(opened.value.poll(), undefined);
    opened.value.close();
  });

  it('ends when rules change, at once, and cannot be resumed from before', () => {
    let woken = 0;
    const opened = view.watch({ service: 'payment', namespace: 'prod' }, () => void (woken += 1));
    assert.ok(opened.ok);
    const state = opened.value.poll();
    assert.deepEqual(told(state), ['has payment.prod']);
    policies.change([], registry.revision + 1);
    assert.equal(woken, 1);
    const end = opened.value.poll();
    assert.deepEqual(end, { kind: 'compacted', oldest: registry.revision, by: 'rules' });
    assert.equal(opened.value.bookmark(), undefined);
    opened.value.close();
    const again = view.watch(
      { service: 'payment', namespace: 'prod' },
      () => undefined,
      state?.kind === 'state' ? state.revision : 0,
    );
    assert.equal(again.ok, false);
    assert.deepEqual(again.problem, { kind: 'compacted', oldest: registry.revision + 1, by: 'rules' });
    const fresh = view.watch({ service: 'payment', namespace: 'prod' }, () => undefined);
    assert.ok(fresh.ok);
    assert.deepEqual(told(fresh.value.poll()), []);
    fresh.value.close();
  });
});
