import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instance, RegistryStore, StoredInstance } from './store.ts';

/** A store, and the means to see it as the next process would. */
export interface RegistryStoreUnderTest {
  readonly store: RegistryStore;
  /** Closes the store and opens what it left behind; a store without durability returns itself. */
  reopen(): Promise<RegistryStore>;
  close(): Promise<void>;
}

/** The rules of `RegistryStore`, held by every implementation. */
export function registryStoreConformance(name: string, create: () => Promise<RegistryStoreUnderTest>): void {
  describe(`${name} keeps the rules of a registry store`, () => {
    for (const [rule, holds] of RULES) {
      it(rule, async () => {
        const test = await create();
        try {
          await holds(test);
        } finally {
          await test.close();
        }
      });
    }
  });
}

const RULES: readonly (readonly [rule: string, holds: (test: RegistryStoreUnderTest) => Promise<void>])[] = [
  ['an empty store has no instance', async ({ store }) => assert.deepEqual(await store.instances(), [])],
  [
    'a saved instance is there after reopening',
    async (test) => {
      const unlabelled = stored({ instanceId: 'b', labels: {}, host: '::1' });
      await test.store.save(stored());
      await test.store.save(unlabelled);
      assert.deepEqual(await sorted(await test.reopen()), [stored(), unlabelled]);
    },
  ],
  [
    'every field of an instance and its state is there after reopening',
    async (test) => {
      await test.store.save(COMPLETE);
      assert.deepEqual(await sorted(await test.reopen()), [COMPLETE]);
    },
  ],
  [
    'an instance that becomes usual again loses what it was',
    async (test) => {
      await test.store.save(COMPLETE);
      await test.store.save(stored({ instanceId: 'complete' }));
      assert.deepEqual(await sorted(await test.reopen()), [stored({ instanceId: 'complete' })]);
    },
  ],
  [
    'saving the same instance id replaces',
    async (test) => {
      await test.store.save(stored());
      await test.store.save(stored({ port: 9090, service: 'other', labels: { version: '2' } }));
      assert.deepEqual(await sorted(await test.reopen()), [
        stored({ port: 9090, service: 'other', labels: { version: '2' } }),
      ]);
    },
  ],
  [
    'a removed instance is gone after reopening',
    async (test) => {
      await test.store.save(stored());
      await test.store.save(stored({ instanceId: 'b' }));
      await test.store.remove('a');
      assert.deepEqual(await sorted(await test.reopen()), [stored({ instanceId: 'b' })]);
    },
  ],
  ['removing what is not there is no error', async ({ store }) => store.remove('never')],
  [
    'changes take effect in call order without waiting',
    async ({ store }) => {
      await Promise.all([store.save(stored()), store.remove('a'), store.save(stored({ port: 2 }))]);
      assert.deepEqual(await sorted(store), [stored({ port: 2 })]);
      await Promise.all([store.save(stored({ port: 3 })), store.remove('a')]);
      assert.deepEqual(await sorted(store), []);
    },
  ],
  [
    'changes resolve in call order',
    async ({ store }) => {
      const resolved: number[] = [];
      const save = (port: number): Promise<number> =>
        store.save(stored({ instanceId: `i${port}`, port })).then(() => resolved.push(port));
      await Promise.all([1, 2, 3, 4].map(save));
      assert.deepEqual(resolved, [1, 2, 3, 4]);
    },
  ],
  [
    'an epoch is never given twice',
    async (test) => {
      assert.equal(await test.store.nextEpoch(), 1);
      assert.equal(await test.store.nextEpoch(), 2);
      assert.equal(await (await test.reopen()).nextEpoch(), 3);
    },
  ],
];

function stored(change: Partial<Instance> = {}, state: Partial<StoredInstance> = {}): StoredInstance {
  const instance: Instance = {
    instanceId: 'a',
    service: 'orders-api',
    namespace: 'default',
    identity: 'spiffe://cluster.local/ns/default/sa/orders',
    owner: 'spiffe://cluster.local/ns/default/sa/orders',
    host: '127.0.0.1',
    port: 8080,
    protocol: 'http',
    labels: { app: 'orders', version: '1' },
    tags: [],
    metadata: {},
    weights: { passing: 1, warning: 1 },
    checks: [],
    registeredAt: 1_700_000_000_000,
    ...change,
  };
  return { instance, standing: { draining: false }, checks: [], ...state };
}

/** Nothing of it is what it usually is. */
const COMPLETE: StoredInstance = stored(
  {
    instanceId: 'complete',
    identity: '',
    owner: 'operator:admin',
    tags: ['primary', 'v2'],
    metadata: { team: 'payments', __proto__: 'x' },
    weights: { passing: 10, warning: 0 },
    locality: { region: 'eu', zone: 'eu-1' },
    version: '2.1.0',
    checks: [
      {
        checkId: 'service:complete',
        name: 'alive',
        kind: { type: 'http', scheme: 'https', path: '/health', headers: { accept: '*/*' } },
        intervalMs: 10_000,
        timeoutMs: 1000,
        successBeforePassing: 2,
        failuresBeforeWarning: 1,
        failuresBeforeCritical: 3,
        initialStatus: 'critical',
      },
    ],
    deregisterCriticalAfterMs: 60_000,
    leaseMs: 0,
    serial: '0a1b2c',
  },
  {
    standing: { draining: true, maintenance: { reason: 'a new disk' } },
    checks: [{ checkId: 'service:complete', name: 'alive', status: 'warning', output: '429', changedAt: 1 }],
  },
);

async function sorted(store: RegistryStore): Promise<StoredInstance[]> {
  return [...(await store.instances())].sort((a, b) => a.instance.instanceId.localeCompare(b.instance.instanceId));
}
