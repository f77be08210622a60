import assert from 'node:assert/strict';
import { it } from 'node:test';

import { LocalInstances } from '@rampart/mesh';

import { SharedInstances } from './shared-instances.ts';

it('a port is one instance for as long as one of several processes serves it', () => {
  const instances = new LocalInstances();
  const shared = new SharedInstances(instances);
  const [one, other] = [{}, {}];
  const known = (): readonly string[] => instances.all.map(({ instanceId }) => instanceId);
  const tell = (server: object, instanceId: string, isThere: boolean): void =>
    shared.heard(server, { instanceId, host: '', port: 8443, protocol: 'http' }, isThere);
  tell(one, 'a', true);
  tell(other, 'b', true);
  assert.deepEqual(known(), ['a']);
  tell(one, 'a', false);
  assert.deepEqual(known(), ['a'], 'the other one serves it');
  shared.leave(other);
  assert.deepEqual(known(), [], 'nobody does');
  tell(one, 'c', true);
  assert.deepEqual(known(), ['c'], 'its application is back');
  shared.close();
  tell(other, 'd', true);
  assert.deepEqual(known(), [], 'the sidecar leaves');
});
