import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

describe('an instance that is taken out of service', () => {
  let plane: ControlPlaneProcess;
  let caller: Laboratory;
  let workload: Workload;
  let instanceId = '';

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
    workload = await Workload.start(plane, { script: 'ending.mjs', serviceAccount: 'shop', service: 'shop' });
    await until('shop to be known', async () => (await get('/')) === 'here');
    const { instances } = await plane.registry.find({ service: 'shop', namespace: 'default' });
    instanceId = instances[0]?.instanceId ?? '';
  });
  after(async () => {
    await Promise.all([caller.kill(), workload.kill()]);
    await plane.stop();
  });

  function get(path: string): Promise<string> {
    return caller.run(
      (_tools, where: string) =>
        fetch(`http://shop${where}`)
          .then((response) => response.text())
          .catch((error: Error) => (error.cause instanceof Error ? error.cause : error).message),
      path,
    );
  }

  it('drained, gets nothing new and finishes what it has; taken back, it is called again', async () => {
    const holding = once(workload.process, 'message');
    const inFlight = get('/hold');
    await holding;
    await plane.registry.drain({ instanceId });
    await until('nothing new to be sent there', async () =>
      /none of its 1 instances is in service/.test(await get('/')),
    );
    workload.process.send({});
    assert.equal(await inFlight, 'finished');
    await plane.registry.drain({ instanceId, undo: true });
    await until('it to be called again', async () => (await get('/')) === 'here');
  });
});
