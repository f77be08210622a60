import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CheckpointStore, SignedCheckpoint } from './store.ts';

/** A store, and the means to see it as the next process would. */
export interface CheckpointStoreUnderTest {
  readonly store: CheckpointStore;
  reopen(): Promise<CheckpointStore>;
  close(): Promise<void>;
}

/** The rules of `CheckpointStore`, held by every implementation. */
export function checkpointStoreConformance(name: string, create: () => Promise<CheckpointStoreUnderTest>): void {
  describe(`${name} keeps the rules of a checkpoint store`, () => {
    it('has no latest one while there is none', () =>
      using(create, async ({ store }) => assert.equal(await store.latest(), undefined)));

    it('has the greatest for its latest, also after reopening', () =>
      using(create, async (test) => {
        await test.store.add(checkpoint(3));
        await test.store.add(checkpoint(10));
        assert.deepEqual(await (await test.reopen()).latest(), checkpoint(10));
      }));

    it('tells of each when it was signed, oldest first', () =>
      using(create, async ({ store }) => {
        for (const size of [3, 10]) await store.add(checkpoint(size));
        const { at } = checkpoint(3);
        assert.deepEqual(await store.moments(), [
          { size: 3, at },
          { size: 10, at },
        ]);
      }));

    it('thins the old ones: one of each span stays, and the greatest', () =>
      using(create, async ({ store }) => {
        const at = (minutes: number): number => 1_700_000_000_000 + minutes * 60_000;
        for (let size = 0; size < 10; size += 1) await store.add({ ...checkpoint(size), at: at(size) });
        await store.thin({ than: at(100), everyMs: 200 * 60_000 });
        assert.deepEqual(await store.latest(), { ...checkpoint(9), at: at(9) });
        await assert.rejects(store.add(checkpoint(9)), { code: 'STORAGE_FAILED' });
      }));

    for (const size of [9, 10]) {
      it(`refuses one of ${size} entries after one of 10`, () =>
        using(create, async ({ store }) => {
          await store.add(checkpoint(10));
          await assert.rejects(store.add({ ...checkpoint(size), note: 'other\n' }), { code: 'STORAGE_FAILED' });
          assert.deepEqual(await store.latest(), checkpoint(10));
        }));
    }
  });
}

async function using(
  create: () => Promise<CheckpointStoreUnderTest>,
  work: (test: CheckpointStoreUnderTest) => Promise<void>,
): Promise<void> {
  const test = await create();
  try {
    await work(test);
  } finally {
    await test.close();
  }
}

function checkpoint(size: number): SignedCheckpoint {
  return { size, root: size.toString(16).padStart(64, '0'), at: 1_700_000_000_000, note: `log\n${size}\n\n— log x\n` };
}
