import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Catalogue } from './catalogue.ts';
import type { DiscoveredInstance, Watch, WatchEvent, WatchScope } from './discovery.ts';
import { filterOfScope } from './query.ts';
import { discovered } from './sample.ts';

const START = 1_000_000;
const SCOPES: readonly WatchScope[] = [
  'all',
  { namespace: 'default' },
  { namespace: 'default', service: 'a' },
  { namespace: 'prod', service: 'a' },
  { namespace: 'default', service: 'a', health: 'usable' },
  { namespace: 'default', service: 'a', tag: 'odd' },
];

/** Instances of every revision, so that what a watch was told can be held against what was. */
class Truth {
  readonly catalogue: Catalogue;
  readonly #states: Map<number, readonly DiscoveredInstance[]> = new Map();
  readonly #now = new Map<string, DiscoveredInstance>();

  constructor(historyLength: number) {
    const listenerFailed = (error: unknown): void => assert.fail(String(error));
    this.catalogue = new Catalogue({ revision: START, instances: [], listenerFailed, historyLength });
    this.#states.set(START, []);
  }

  put(instance: DiscoveredInstance): void {
    this.#now.set(instance.instanceId, instance);
    this.catalogue.put(instance);
    this.#states.set(this.catalogue.revision, [...this.#now.values()]);
  }

  remove(instanceId: string): void {
    this.#now.delete(instanceId);
    this.catalogue.remove(instanceId);
    this.#states.set(this.catalogue.revision, [...this.#now.values()]);
  }

  at(revision: number, scope: WatchScope): string[] {
    const instances = this.#states.get(revision);
    assert.ok(instances, `revision ${revision} exists`);
    const filter = filterOfScope(scope);
    return instances
      .filter((one) => isOf(one, scope) && (filter === undefined || filter(one)))
      .map(textOf)
      .sort();
  }
}

function isOf({ service, namespace }: DiscoveredInstance, scope: WatchScope): boolean {
  if (scope === 'all') return true;
  return namespace === scope.namespace && (scope.service === undefined || service === scope.service);
}

function textOf({ instanceId, port, service, namespace, state }: DiscoveredInstance): string {
  return `${namespace}/${service}/${instanceId}:${port} ${state.health}`;
}

/** Somebody who watches, and holds every event against the promises. */
class Watcher {
  readonly #truth: Truth;
  readonly #scope: WatchScope;
  readonly #view = new Map<string, string>();
  #watch: Watch | undefined;
  /** Last revision it was told; undefined before the first. */
  told: number | undefined;
  wakes = 0;
  #mayBeWoken = false;

  constructor(truth: Truth, scope: WatchScope) {
    this.#truth = truth;
    this.#scope = scope;
  }

  /** Goes on where it was told last, or begins. */
  resume(): void {
    this.#watch?.close();
    const opened = this.#truth.catalogue.watch(this.#scope, () => this.#woken(), this.told);
    this.#mayBeWoken = false;
    if (opened.ok) {
      this.#watch = opened.value;
      return;
    }
    assert.equal(opened.problem.kind, 'compacted');
    assert.ok((this.told ?? 0) < (opened.problem.kind === 'compacted' ? opened.problem.oldest : 0));
    this.#forget();
    this.resume();
  }

  pollOnce(): boolean {
    const event = this.#watch?.poll();
    this.#mayBeWoken = true;
    if (event === undefined) return false;
    this.#take(event);
    return true;
  }

  bookmark(): void {
    const event = this.#watch?.bookmark();
    if (event !== undefined) this.#take(event);
  }

  /** Everything that can be told; afterwards it knows what is. */
  catchUp(): void {
    while (this.pollOnce());
    const { catalogue } = this.#truth;
    assert.deepEqual([...this.#view.values()].sort(), this.#truth.at(catalogue.revision, this.#scope));
  }

  close(): void {
    this.#watch?.close();
  }

  #woken(): void {
    assert.ok(this.#mayBeWoken, 'is not woken again before it polls');
    this.#mayBeWoken = false;
    this.wakes += 1;
  }

  #take(event: WatchEvent): void {
    if (event.kind === 'compacted') {
      this.#forget();
      this.resume();
      return;
    }
    assert.ok(event.revision >= (this.told ?? 0), 'ordered');
    if (event.kind === 'state') {
      assert.equal(this.told, undefined, 'the state comes at the beginning only');
      for (const instance of event.instances) this.#view.set(keyOf(instance), textOf(instance));
    }
    if (event.kind === 'changes') this.#apply(event);
    this.told = event.revision;
    const view = [...this.#view.values()].sort();
    assert.deepEqual(
      view,
      this.#truth.at(event.revision, this.#scope),
      'reliable and atomic: the state of that revision',
    );
  }

  #apply({ changes }: Extract<WatchEvent, { kind: 'changes' }>): void {
    let last = this.told ?? 0;
    const seen = new Set<string>();
    for (const change of changes) {
      assert.ok(change.revision >= last && change.revision > (this.told ?? 0), 'ordered, and nothing twice');
      last = change.revision;
      const instance = change.kind === 'put' ? change.current : change.last;
      const once = `${change.revision} ${keyOf(instance)}`;
      assert.ok(!seen.has(once), 'unique');
      seen.add(once);
      if (change.kind === 'put') this.#view.set(keyOf(instance), textOf(instance));
      else assert.ok(this.#view.delete(keyOf(instance)), 'only what was there can be gone');
    }
  }

  #forget(): void {
    this.#view.clear();
    this.told = undefined;
  }
}

function keyOf({ instanceId, service, namespace }: DiscoveredInstance): string {
  return `${namespace}/${service}/${instanceId}`;
}

const change = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'remove'),
  instanceId: fc.constantFrom('i1', 'i2', 'i3', 'i4'),
  service: fc.constantFrom('a', 'b'),
  namespace: fc.constantFrom('default', 'default', 'prod'),
  port: fc.constantFrom(1, 2, 3),
  isCritical: fc.boolean(),
});
const reading = fc.record({
  kind: fc.constantFrom('poll', 'catch up', 'bookmark', 'resume'),
  watcher: fc.nat({ max: SCOPES.length - 1 }),
});

describe('a watch', () => {
  it('keeps its promises whatever happens, however slow it reads, across reconnects and compaction', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ arbitrary: change, weight: 3 }, { arbitrary: reading, weight: 2 }), { maxLength: 120 }),
        fc.constantFrom(2, 8, 1000),
        (steps, historyLength) => {
          const truth = new Truth(historyLength);
          const watchers = SCOPES.map((scope) => new Watcher(truth, scope));
          for (const watcher of watchers) watcher.resume();
          for (const step of steps) run(step, truth, watchers);
          for (const watcher of watchers) watcher.catchUp();
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is never woken for a service that it is not about', () => {
    const truth = new Truth(4);
    const watcher = new Watcher(truth, { namespace: 'default', service: 'a' });
    watcher.resume();
    watcher.catchUp();
    for (let port = 1; port <= 100; port += 1) truth.put(discovered({ instanceId: 'x', service: 'b', port }));
    truth.put(discovered({ instanceId: 'x', service: 'a', namespace: 'prod' }));
    assert.equal(watcher.wakes, 0);
    truth.put(discovered({ instanceId: 'y', service: 'a' }));
    assert.equal(watcher.wakes, 1);
    watcher.catchUp();
    watcher.close();
    truth.put(discovered({ instanceId: 'z', service: 'a' }));
    assert.equal(watcher.wakes, 1, 'nor once it is closed');
  });

  it('of a quiet service is not compacted by the noise of others', () => {
    const truth = new Truth(2);
    const watcher = new Watcher(truth, { namespace: 'default', service: 'a' });
    watcher.resume();
    watcher.catchUp();
    for (let port = 1; port <= 100; port += 1) truth.put(discovered({ instanceId: 'x', service: 'b', port }));
    watcher.bookmark();
    assert.equal(watcher.told, truth.catalogue.revision, 'and a bookmark brings it to the present');
    watcher.catchUp();
  });

  it('is told of an instance that moves to another service in one revision', () => {
    const truth = new Truth(100);
    truth.put(discovered({ instanceId: 'x', service: 'a' }));
    const opened = truth.catalogue.watch('all', () => undefined, truth.catalogue.revision);
    assert.ok(opened.ok);
    assert.equal(opened.value.poll(), undefined);
    truth.put(discovered({ instanceId: 'x', service: 'b' }));
    const event = opened.value.poll();
    assert.equal(event?.kind, 'changes');
    assert.deepEqual(
      event.changes.map(({ kind, revision }) => [kind, revision]),
      [
        ['gone', truth.catalogue.revision],
        ['put', truth.catalogue.revision],
      ],
    );
  });

  for (const [rule, from] of [
    ['a revision that is not there yet', START + 1],
    ['a revision that is no number', Number.NaN],
  ] as const)
    it(`cannot begin at ${rule}`, () => {
      const opened = new Truth(100).catalogue.watch('all', () => undefined, from);
      assert.ok(!opened.ok && opened.problem.kind === 'future');
      assert.equal(opened.problem.error.code, 'FUTURE_REVISION');
    });

  it('cannot begin before history does, and is told where that is', () => {
    const opened = new Truth(100).catalogue.watch('all', () => undefined, START - 1);
    assert.deepEqual(opened, { ok: false, problem: { kind: 'compacted', oldest: START, by: 'history' } });
  });
});

type Step =
  | (typeof change extends fc.Arbitrary<infer T> ? T : never)
  | (typeof reading extends fc.Arbitrary<infer T> ? T : never);

function run(step: Step, truth: Truth, watchers: readonly Watcher[]): void {
  if ('watcher' in step) {
    const watcher = watchers[step.watcher];
    if (step.kind === 'poll') watcher?.pollOnce();
    else if (step.kind === 'catch up') watcher?.catchUp();
    else if (step.kind === 'bookmark') watcher?.bookmark();
    else watcher?.resume();
    return;
  }
  const { kind, isCritical, ...values } = step;
  if (kind === 'remove') {
    if (truth.catalogue.instance(values.instanceId) !== undefined) truth.remove(values.instanceId);
    return;
  }
  const tags = values.port % 2 === 1 ? ['odd'] : [];
  truth.put(discovered({ ...values, tags }, isCritical ? 'critical' : 'passing'));
}
