import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instance, RegistryStore } from './store.ts';

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
      const unlabelled = instance({ instanceId: 'b', labels: {}, host: '::1' });
      await test.store.save(instance());
      await test.store.save(unlabelled);
      assert.deepEqual(await sorted(await test.reopen()), [instance(), unlabelled]);
    },
  ],
  [
    'saving the same instance id replaces',
    async (test) => {
      await test.store.save(instance());
      await test.store.save(instance({ port: 9090, service: 'other', labels: { version: '2' } }));
      assert.deepEqual(await sorted(await test.reopen()), [
        instance({ port: 9090, service: 'other', labels: { version: '2' } }),
      ]);
    },
  ],
  [
    'a removed instance is gone after reopening',
    async (test) => {
      await test.store.save(instance());
      await test.store.save(instance({ instanceId: 'b' }));
      await test.store.remove('a');
      assert.deepEqual(await sorted(await test.reopen()), [instance({ instanceId: 'b' })]);
    },
  ],
  ['removing what is not there is no error', async ({ store }) => store.remove('never')],
  [
    'changes take effect in call order without waiting',
    async ({ store }) => {
      await Promise.all([store.save(instance()), store.remove('a'), store.save(instance({ port: 2 }))]);
      assert.deepEqual(await sorted(store), [instance({ port: 2 })]);
      await Promise.all([store.save(instance({ port: 3 })), store.remove('a')]);
      assert.deepEqual(await sorted(store), []);
    },
  ],
  [
    'changes resolve in call order',
    async ({ store }) => {
      const resolved: number[] = [];
      const save = (port: number): Promise<number> =>
        store.save(instance({ instanceId: `i${port}`, port })).then(() => resolved.push(port));
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

function instance(change: Partial<Instance> = {}): Instance {
  return {
    instanceId: 'a',
    service: 'orders-api',
    namespace: 'default',
    identity: 'spiffe://cluster.local/ns/default/sa/orders',
    host: '127.0.0.1',
    port: 8080,
    protocol: 'http',
    labels: { app: 'orders', version: '1' },
    registeredAt: 1_700_000_000_000,
    ...change,
  };
}

async function sorted(store: RegistryStore): Promise<Instance[]> {
  return [...(await store.instances())].sort((a, b) => a.instanceId.localeCompare(b.instanceId));
}
