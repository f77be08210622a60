import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { DataPlaneStatusSchema } from '@rampart/wire';
import { paletteOf } from '../render/colour.ts';
import { renderDataPlanes } from './data-planes.ts';

suite('a data plane that cannot enforce a policy', () => {
  const problem = `AuthorizationPolicy shop/a cannot be enforced here: ${'x'.repeat(500)}`;
  const plane = create(DataPlaneStatusSchema, { dataPlaneId: 'p1', spiffeId: 'spiffe://a/ns/b/sa/c', problem });
  const view = { revision: 1n, now: 0, palette: paletteOf(false), trustDomain: 'a' };

  test('says why in one line of the status', () => {
    const lines = renderDataPlanes([plane], { ...view, longestProblem: 60 }).split('\n');
    assert.match(lines[1] ?? '', / AuthorizationPolicy shop\/a cannot be enforced here: x+…$/);
    assert.ok((lines[1] ?? '').length < 160);
  });
  test('says all of it in the list of data planes', () => {
    assert.ok(renderDataPlanes([plane], view).includes(problem));
  });
});
