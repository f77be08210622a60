import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { FakeClock } from '../leases/fake-clock.ts';
import type { CheckedInstance } from './checked-instance.ts';
import { HealthMonitor } from './monitor.ts';
import type { ProbeResult } from './probe.ts';

const FINE: ProbeResult = { status: 'passing', output: '' };

describe('many checks', () => {
  const monitors: HealthMonitor[] = [];
  afterEach(() => {
    for (const monitor of monitors.splice(0)) monitor.close();
  });

  function setUp(probe: (instance: CheckedInstance) => Promise<ProbeResult>): {
    readonly runs: Map<string, number>;
    follow(service: string, owner: string, count: number): void;
    pass(milliseconds: number): Promise<void>;
  } {
    const clock = new FakeClock();
    const runs = new Map<string, number>();
    const monitor = new HealthMonitor({
      at: 'control-plane',
      clock,
      random: () => 0.5,
      observe: () => undefined,
      failed: (error) => assert.fail(String(error)),
    });
    monitors.push(monitor);
    monitor.start((instance) => {
      runs.set(instance.service, (runs.get(instance.service) ?? 0) + 1);
      return probe(instance);
    });
    return {
      runs,
      follow: (service, owner, count) => {
        for (let index = 0; index < count; index += 1)
          monitor.follow(instanceOf(service, owner, `${service}-${index}`), undefined);
      },
      pass: async (milliseconds) => {
        for (let passed = 0; passed < milliseconds; passed += 20) {
          clock.advance(20);
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    };
  }

  function instanceOf(service: string, owner: string, instanceId: string): CheckedInstance {
    const check = { checkId: 'c', name: 'c', kind: { type: 'tcp' as const }, intervalMs: 1000, timeoutMs: 1000 };
    const limits = { successBeforePassing: 0, failuresBeforeWarning: 0, failuresBeforeCritical: 0 };
    const checks = [{ ...check, ...limits, initialStatus: 'critical' as const }];
    return { instanceId, service, namespace: 'default', identity: '', owner, host: '10.0.0.1', port: 80, checks };
  }

  it('of one service that hang keep nobody else’s from their turn', async () => {
    const { runs, follow, pass } = setUp(({ service }) =>
      service === 'tarpit' ? new Promise(() => undefined) : Promise.resolve(FINE),
    );
    follow('tarpit', 'operator:a', 2000);
    await pass(600);
    assert.equal(runs.get('tarpit'), 32);
    follow('web', 'operator:a', 10);
    await pass(600);
    assert.equal(runs.get('web'), 10);
  });

  it('of one owner that hang keep nobody else’s from their turn', async () => {
    const { runs, follow, pass } = setUp(({ service }) =>
      service === 'web' ? Promise.resolve(FINE) : new Promise(() => undefined),
    );
    for (let index = 0; index < 20; index += 1) follow(`tarpit-${index}`, 'token:eve', 50);
    await pass(600);
    const hanging = [...runs.values()].reduce((sum, count) => sum + count, 0);
    assert.equal(hanging, 64);
    follow('web', 'token:web', 10);
    await pass(600);
    assert.equal(runs.get('web'), 10);
  });

  it('of one service, however often they are asked for, leave every other service its interval', async () => {
    const { runs, follow, pass } = setUp(() => Promise.resolve(FINE));
    follow('storm', 'token:eve', 10_000);
    follow('web', 'token:web', 10);
    await pass(10_000);
    const [storm = 0, web = 0] = [runs.get('storm'), runs.get('web')];
    assert.ok(storm > 8000 && storm <= 10_100, `${storm} runs in ten seconds: 1 000 a second`);
    assert.ok(web >= 90, `${web} runs of ten checks in ten seconds`);
  });
});
