import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Catalogue } from './catalogue.ts';
import type { DiscoveredInstance, DiscoveryQuery } from './discovery.ts';
import { discovered } from './sample.ts';

const REVISION = 5000;
const EU_1 = { region: 'eu', zone: 'eu-1' };

const INSTANCES: readonly DiscoveredInstance[] = [
  discovered({ instanceId: 'plain', locality: { region: 'us' } }),
  discovered({ instanceId: 'primary', tags: ['primary', 'v1'], locality: { region: 'eu', zone: 'eu-2' } }),
  discovered({ instanceId: 'second', tags: ['v1'], labels: { version: '1' }, locality: EU_1 }),
  discovered({ instanceId: 'warns', labels: { version: '2' } }, 'warning'),
  discovered({ instanceId: 'broken' }, 'critical'),
  discovered({ instanceId: 'leaving' }, 'passing', { draining: true }),
  discovered({ instanceId: 'mended' }, 'passing', { draining: false, maintenance: { reason: 'disk' } }),
  discovered({ instanceId: 'elsewhere', namespace: 'prod' }),
  discovered({ instanceId: 'other', service: 'b', tags: ['z', 'a'] }),
];

const A = { service: 'a', namespace: 'default' };
const IN_SERVICE = ['plain', 'primary', 'second', 'warns'];

const FOUND: readonly (readonly [rule: string, query: DiscoveryQuery, found: readonly string[]])[] = [
  ['everything of the service, whatever its health', A, [...IN_SERVICE, 'broken', 'leaving', 'mended']],
  ['what may be given new work', { ...A, health: 'usable' }, IN_SERVICE],
  ['what passes all checks', { ...A, health: 'passing' }, ['plain', 'primary', 'second']],
  ['what has a tag', { ...A, tag: 'v1' }, ['primary', 'second']],
  ['what has all tags', { ...A, tag: 'v1', tags: ['primary'] }, ['primary']],
  ['nothing for a tag that nobody has', { ...A, tag: 'v' }, []],
  ['what labels say', { ...A, selector: { matchLabels: { version: '1' } } }, ['second']],
  [
    'what label expressions say',
    { ...A, health: 'usable', selector: { matchExpressions: [{ key: 'version', operator: 'NotIn', values: ['1'] }] } },
    ['plain', 'primary', 'warns'],
  ],
  ['near ones first', { ...A, health: 'usable', near: EU_1 }, ['second', 'primary', 'plain', 'warns']],
  [
    'those of the region first when no zone is named',
    { ...A, health: 'usable', near: { region: 'eu' } },
    ['primary', 'second', 'plain', 'warns'],
  ],
  ['those of its own namespace', { service: 'a', namespace: 'prod' }, ['elsewhere']],
  ['nothing of a service that nobody registered', { service: 'never', namespace: 'default' }, []],
];

describe('find gives', () => {
  for (const [rule, query, found] of FOUND)
    it(rule, () => {
      const { instances } = catalogue().find(query);
      assert.deepEqual(
        instances.map(({ instanceId }) => instanceId),
        found,
      );
    });
});

describe('the revision of a service', () => {
  it('moves with its own changes and no others', () => {
    const all = catalogue();
    assert.equal(all.find(A).revision, REVISION);
    all.put(discovered({ instanceId: 'new', service: 'b' }));
    assert.equal(all.find(A).revision, REVISION);
    all.put(discovered({ instanceId: 'new-a' }));
    assert.equal(all.find({ ...A, tag: 'never' }).revision, REVISION + 2, 'whatever the query filters');
  });

  it('does not go back when the service is gone and forgotten, and comes back', () => {
    const all = catalogue(2);
    const revisions = [all.find(A).revision];
    for (const { instanceId } of all.find(A).instances) all.remove(instanceId);
    revisions.push(all.find(A).revision);
    for (let port = 1; port < 20; port += 1) all.put(discovered({ instanceId: 'noise', service: 'b', port }));
    revisions.push(all.find(A).revision);
    all.put(discovered());
    revisions.push(all.find(A).revision);
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    );
  });
});

describe('services', () => {
  it('are listed by namespace and name, with their tags', () => {
    const summaries = catalogue()
      .services()
      .map(({ namespace, name, instances, tags }) => [namespace, name, instances, tags]);
    assert.deepEqual(summaries, [
      ['default', 'a', 7, ['primary', 'v1']],
      ['default', 'b', 1, ['a', 'z']],
      ['prod', 'a', 1, []],
    ]);
  });

  it('of one namespace are listed alone', () => {
    assert.deepEqual(
      catalogue()
        .services('prod')
        .map(({ name }) => name),
      ['a'],
    );
  });

  it('come with their first instance and go with their last', () => {
    const all = catalogue();
    all.put(discovered({ instanceId: 'first', service: 'aa' }));
    assert.equal(all.services('default').length, 3);
    all.remove('first');
    assert.equal(all.services('default').length, 2);
    all.put(discovered({ instanceId: 'other', service: 'moved' }));
    assert.deepEqual(
      all.services('default').map(({ name }) => name),
      ['a', 'moved'],
    );
  });
});

describe('a listener of a service', () => {
  it('hears of every change of it in the same turn, and of no other', () => {
    const all = catalogue();
    let heard = 0;
    const end = all.onChange(A, () => (heard += 1));
    all.put(discovered({ instanceId: 'x', service: 'b' }));
    assert.equal(heard, 0);
    all.put(discovered({ instanceId: 'x' }));
    assert.equal(heard, 1, 'an instance that moves changes both services');
    all.remove('x');
    assert.equal(heard, 2);
    end();
    all.remove('plain');
    assert.equal(heard, 2);
  });
});

function catalogue(historyLength?: number): Catalogue {
  return new Catalogue({
    revision: REVISION,
    instances: INSTANCES,
    listenerFailed: (error) => assert.fail(String(error)),
    ...(historyLength === undefined ? {} : { historyLength }),
  });
}

describe('marks of ids', () => {
  it('are known from the first id that has one on, wherever it came from, and stay', () => {
    const options = { revision: REVISION, listenerFailed: (error: unknown) => assert.fail(String(error)) };
    const found = new Catalogue({ ...options, instances: [discovered({ instanceId: 'web:1' })] });
    assert.deepEqual([found.hasIdsWith(':'), found.hasIdsWith('~')], [true, false]);
    const empty = new Catalogue({ ...options, instances: [] });
    empty.put(discovered({ instanceId: 'web' }));
    assert.deepEqual([empty.hasIdsWith(':'), empty.hasIdsWith('~')], [false, false]);
    empty.put(discovered({ instanceId: 'web~0' }));
    empty.remove('web~0');
    assert.deepEqual([empty.hasIdsWith(':'), empty.hasIdsWith('~')], [false, true]);
  });
});
