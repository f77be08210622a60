import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { SpiffeId } from '@rampart/core';
import fc from 'fast-check';

import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';
import { Picker } from './pick.ts';

function service(...ports: readonly number[]): MeshService {
  const spiffeId = SpiffeId.of('spiffe://cluster.local/ns/default/sa/a');
  const endpoints = ports.map((port, index): MeshEndpoint => {
    const host = `10.0.0.${index}`;
    return {
      instanceId: `i${index}`,
      host,
      port,
      protocol: 'http',
      spiffeId,
      identity: spiffeId.toString(),
      labels: {},
      address: `${host}:${port}`,
    };
  });
  return { name: 'a', namespace: 'default', host: 'a.default.svc', endpoints };
}

describe('pick', () => {
  it('nobody serves, nobody is picked', () => {
    assert.equal(new Picker(() => 0).pick(service(), 80), undefined);
  });

  it('the default ports mean the port of the service', () => {
    for (const port of [0, 80, 443]) assert.equal(new Picker(() => 0).pick(service(8080), port)?.port, 8080);
  });

  it('another port means only the instances that serve it', () => {
    assert.equal(new Picker(() => 0).pick(service(8080), 9090), undefined);
    assert.equal(new Picker(Math.random).pick(service(8080, 9090), 9090)?.port, 9090);
  });

  it('of two, the one with fewer requests in flight', () => {
    const two = service(1, 1);
    const [first, second] = two.endpoints;
    assert.ok(first && second);
    const alternate = new Picker(alternating(0, 0.9));
    alternate.started(first);
    assert.equal(alternate.pick(two, 80), second);
    alternate.finished(first);
    alternate.started(second);
    assert.equal(alternate.pick(two, 80), first);
  });

  it('an instance is drawn as often as it weighs', () => {
    const light = service(1, 1);
    const [first, second] = light.endpoints;
    assert.ok(first && second);
    const weighted = { ...light, endpoints: [{ ...first, weight: 3 }, second] };
    const drawn = [0, 0.2, 0.5, 0.74, 0.76, 0.99].map((draw) => new Picker(() => draw).pick(weighted, 80)?.instanceId);
    assert.deepEqual(drawn, ['i0', 'i0', 'i0', 'i0', 'i1', 'i1']);
  });

  it('of two, the one with fewer requests in flight for its weight', () => {
    const light = service(1, 1);
    const [first, second] = light.endpoints;
    assert.ok(first && second);
    const heavy = { ...first, weight: 3 };
    const picker = new Picker(alternating(0, 0.9));
    for (const endpoint of [heavy, heavy, second]) picker.started(endpoint);
    assert.equal(picker.pick({ ...light, endpoints: [heavy, second] }, 80), heavy);
  });

  it('where nobody answered, nobody is sent while somebody else is there', () => {
    const two = service(8080, 8080);
    const [first, second] = two.endpoints;
    assert.ok(first && second);
    const picker = new Picker(() => 0);
    assert.equal(picker.avoid(first), true);
    assert.equal(picker.avoid(first), false, 'that was known');
    assert.equal(picker.pick(two, 80), second);
    picker.avoid(second);
    assert.ok(picker.pick(two, 80), 'where nobody answers at all, any of them is as good');
    picker.readmit(first);
    assert.equal(picker.pick(two, 80), first);
  });

  it('property: whatever is drawn, only an instance of the service is picked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (size, draw) => {
          const many = service(...Array.from({ length: size }, () => 8080));
          const picked = new Picker(() => draw).pick(many, 80);
          return picked !== undefined && many.endpoints.includes(picked);
        },
      ),
    );
  });
});

function alternating(...values: readonly number[]): () => number {
  let turn = 0;
  return () => {
    turn += 1;
    return values[(turn - 1) % values.length] ?? 0;
  };
}
