import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Change } from './change.ts';
import { ChangeFeed } from './change-feed.ts';
import type { RevisionStore } from './revision-store.ts';

function memoryRevisions(reserved = 0): RevisionStore & { value: number } {
  const store = {
    value: reserved,
    reserved: async () => store.value,
    reserve: async (upTo: number) => {
      store.value = upTo;
    },
  };
  return store;
}

function service(name: string): Change {
  return { kind: 'service', namespace: 'default', name };
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('the change feed', () => {
  it('gives the state it finds revision 1, numbers changes from there, and tells a reader what came after its revision', async () => {
    const feed = await ChangeFeed.open(memoryRevisions());
    assert.equal(feed.revision, 1);
    feed.publish([service('a')]);
    feed.publish([service('b')]);
    assert.equal(feed.revision, 3);
    assert.deepEqual(feed.since(1), [service('b'), service('a')]);
    assert.deepEqual(feed.since(2), [service('b')]);
    assert.deepEqual(feed.since(3), []);
  });

  it('names a subject once however often it changed', async () => {
    const feed = await ChangeFeed.open(memoryRevisions());
    for (let index = 0; index < 5; index += 1) {
      feed.publish([service('a')]);
    }
    assert.deepEqual(feed.since(1), [service('a')]);
  });

  it('tells of resources alone, also where services have used up history since', async () => {
    const feed = await ChangeFeed.open(memoryRevisions(), { historyLength: 4 });
    const resource = { kind: 'resource', key: 'AuthorizationPolicy/a', namespace: 'default' } as const;
    assert.deepEqual(
      [feed.resourcesSince(0), feed.resourcesSince(1), feed.resourcesSince(2)],
      ['compacted', [], 'compacted'],
    );
    feed.publish([service('a'), resource]);
    assert.deepEqual([feed.resourcesSince(1), feed.resourcesSince(2)], [[resource], []]);
    for (let index = 0; index < 9; index += 1) feed.publish([service('a')]);
    assert.deepEqual([feed.resourcesSince(1), feed.resourcesSince(2)], ['compacted', []]);
  });

  it('starts above every revision of an earlier process, and calls those compacted', async () => {
    const store = memoryRevisions();
    const first = await ChangeFeed.open(store);
    const last = first.publish([service('a')]);
    const second = await ChangeFeed.open(store);
    assert.ok(second.publish([service('b')]) > last);
    assert.equal(second.since(last), 'compacted');
  });

  it('calls a revision from the future compacted', async () => {
    const feed = await ChangeFeed.open(memoryRevisions());
    assert.equal(feed.since(7), 'compacted');
  });

  it('forgets the oldest changes and says so', async () => {
    const feed = await ChangeFeed.open(memoryRevisions(), { historyLength: 4 });
    for (let index = 1; index <= 20; index += 1) {
      feed.publish([service(`s${index}`)]);
    }
    assert.equal(feed.since(1), 'compacted');
    assert.deepEqual(feed.since(20), [service('s20')]);
  });

  it('holds later revisions back until an earlier one is settled', async () => {
    const feed = await ChangeFeed.open(memoryRevisions());
    const seen: string[] = [];
    const ticket = feed.reserve();
    feed.publish([service('later')]);
    assert.equal(feed.revision, 1);
    ticket.settle([service('earlier')], () => seen.push('effect'));
    assert.deepEqual(seen, ['effect']);
    assert.equal(feed.revision, 3);
  });

  it('goes on past an abandoned revision', async () => {
    const feed = await ChangeFeed.open(memoryRevisions());
    const ticket = feed.reserve();
    feed.publish([service('a')]);
    ticket.abandon();
    assert.equal(feed.revision, 3);
    assert.deepEqual(feed.since(1), [service('a')]);
  });

  it('publishes nothing above what is durably reserved', async () => {
    const store = memoryRevisions();
    const feed = await ChangeFeed.open(store);
    for (let index = 0; index < 5000; index += 1) {
      feed.publish([service('a')]);
      assert.ok(feed.revision <= store.value);
    }
    while (feed.revision < 5000) {
      await turn();
    }
  });

  it('tells watchers once a turn', async () => {
    const feed = await ChangeFeed.open(memoryRevisions());
    let calls = 0;
    const stop = feed.watch(() => {
      calls += 1;
    });
    feed.publish([service('a')]);
    feed.publish([service('b')]);
    await turn();
    await turn();
    assert.equal(calls, 1);
    stop();
    feed.publish([service('c')]);
    await turn();
    await turn();
    assert.equal(calls, 1);
  });

  it('a reader that follows it at any pace ends with the newest value of every subject', async () => {
    const steps = fc.array(fc.oneof(fc.record({ change: fc.nat(5) }), fc.constant('read' as const)), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const feed = await ChangeFeed.open(memoryRevisions(), { historyLength: 6 });
        const state = new Map<string, number>();
        let held = new Map<string, number>();
        let cursor = feed.revision;
        const read = (): void => {
          const changes = feed.since(cursor);
          if (changes === 'compacted') {
            held = new Map(state);
          } else {
            for (const change of changes) {
              const name = change.kind === 'service' ? change.name : '';
              held.set(name, state.get(name) ?? 0);
            }
          }
          cursor = feed.revision;
        };
        for (const step of script) {
          if (step === 'read') {
            read();
          } else {
            const name = `s${step.change}`;
            state.set(name, (state.get(name) ?? 0) + 1);
            feed.publish([service(name)]);
          }
        }
        read();
        assert.deepEqual(held, state);
      }),
    );
  });
});
