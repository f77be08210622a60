import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { TestCa } from '@rampart/testkit';

import { spoolPlaces } from './spool-places.ts';

const NOW = 1_795_000_000_000;
const DAY_MS = 86_400_000;
const ORDERS = { namespace: 'shop', serviceAccount: 'orders' };

describe('where records wait', () => {
  it('is another place in another mesh of the same names', async () => {
    const [one, other] = [await TestCa.create('cluster.local', NOW), await TestCa.create('cluster.local', NOW)];
    const places = [one, other].flatMap(({ trustDomain, rootDer }) =>
      spoolPlaces('/spool', { trustDomain, roots: [rootDer] }, ORDERS),
    );
    assert.equal(new Set(places).size, 2);
    for (const place of places) assert.match(place, /^\/spool\/cluster\.local\/[0-9a-f]{32}\/shop\/orders$/);
  });

  it('is found again while the root is replaced', async () => {
    const before = await TestCa.create('cluster.local', NOW);
    const after = await TestCa.create('cluster.local', NOW + DAY_MS);
    const { trustDomain } = before;
    const placesOf = (...roots: readonly TestCa[]): readonly string[] =>
      spoolPlaces('/spool', { trustDomain, roots: roots.map(({ rootDer }) => rootDer) }, ORDERS);
    assert.deepEqual(placesOf(before, after), [...placesOf(after), ...placesOf(before)]);
    assert.deepEqual(placesOf(after, before), placesOf(before, after));
  });
});
