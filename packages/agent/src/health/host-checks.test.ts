import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { RampartError } from '@rampart/core';
import { probeLimits } from '@rampart/registry/health';
import { until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';
import { type CheckedInstance, type HostCheckReport, SyncUpdate } from '@rampart/wire/agent';
import { HostChecks } from './host-checks.ts';
import { createOwnHostProbe } from './own-host-probe.ts';

const LOG = { error: noop, warn: noop, info: noop, debug: noop };

function noop(): void {
  return undefined;
}

/** Lets time pass until it holds. */
function eventually(
  what: string,
  { pass, every }: { readonly every: number; pass(milliseconds: number): Promise<void> },
  holds: () => boolean,
): Promise<unknown> {
  return until(what, async () => {
    await pass(every);
    return holds();
  });
}

describe('the checks of a host', () => {
  const servers: Server[] = [];
  const running: HostChecks[] = [];

  afterEach(() => {
    for (const checks of running.splice(0)) checks.stop();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function serve(answer: { status: number }): Promise<number> {
    const server = createServer((_, response) => {
      response.statusCode = answer.status;
      response.end('body');
    });
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  function instance(
    port: number,
    more: Partial<CheckedInstance> = {},
    kind?: CheckedInstance['checks'][number]['kind'],
  ): CheckedInstance {
    const check = {
      checkId: 'c',
      name: 'c',
      kind: kind ?? { $case: 'http' as const, value: { scheme: 'http', port: 0, path: '/', method: '', headers: {} } },
      intervalMs: 1000n,
      timeoutMs: 1000n,
      successBeforePassing: 0,
      failuresBeforeWarning: 2,
      failuresBeforeCritical: 2,
      initialStatus: 'passing',
      byAgent: true,
    };
    const base = { instanceId: 'i', service: 's', namespace: 'default', spiffeId: '', host: '127.0.0.1', port };
    return { ...base, checks: [check], ...more };
  }

  const update = (change: Partial<SyncUpdate>): SyncUpdate => ({ ...SyncUpdate.decode(new Uint8Array()), ...change });

  function setUp(scripts = false): {
    readonly clock: FakeClock;
    readonly checks: HostChecks;
    readonly sent: HostCheckReport[][];
    readonly line: { isDown: boolean };
    pass(milliseconds: number): Promise<void>;
  } {
    const clock = new FakeClock();
    const sent: HostCheckReport[][] = [];
    const line = { isDown: false };
    const checks = new HostChecks({
      probe: createOwnHostProbe({
        limits: probeLimits([], scripts),
        identity: () => {
          throw new RampartError('CONTROL_PLANE_UNREACHABLE', 'no certificate');
        },
      }),
      clock,
      random: () => 0.5,
      log: LOG,
      send: async (reports) => {
        if (line.isDown) throw new Error('down');
        sent.push(reports);
      },
    });
    running.push(checks);
    const pass = async (milliseconds: number): Promise<void> => {
      for (let step = 0; step < 20; step += 1) {
        await clock.advance(milliseconds / 20);
        await new Promise((resolve) => {
          setTimeout(resolve, 2);
        });
      }
    };
    return { clock, checks, sent, line, pass };
  }

  it('are run and reported when they say something else, and all of them each round', async () => {
    const answer = { status: 200 };
    const { checks, sent, pass } = setUp();
    checks.apply(update({ reset: true, checked: [instance(await serve(answer))] }));
    await eventually('the first report', { pass, every: 600 }, () => sent.length > 0);
    assert.deepEqual(
      sent[0]?.map(({ status, output }) => [status, output]),
      [['passing', 'HTTP GET /: 200 OK Output: body']],
    );
    const before = sent.length;
    await eventually('a round', { pass, every: 2000 }, () => sent.length > before);
    assert.deepEqual(sent.at(-1)?.[0]?.output, undefined, 'what was heard is not said again');
    answer.status = 500;
    await eventually('the change', { pass, every: 500 }, () => sent.flat().some(({ status }) => status === 'critical'));
  });

  it('are what they say for as long as thresholds are not reached', async () => {
    const answer = { status: 500 };
    const { checks, sent, pass } = setUp();
    checks.apply(update({ reset: true, checked: [instance(await serve(answer))] }));
    await eventually('the first report', { pass, every: 600 }, () => sent.length > 0);
    assert.equal(sent[0]?.[0]?.status, 'passing', 'one failure of two');
    await eventually('the second failure', { pass, every: 600 }, () => sent.flat().at(-1)?.status === 'critical');
  });

  it('go on while the control plane is away, and are told whole when it is back', async () => {
    const answer = { status: 200 };
    const { checks, sent, line, pass } = setUp();
    const told = instance(await serve(answer));
    checks.apply(update({ reset: true, checked: [told] }));
    await eventually('the first report', { pass, every: 600 }, () => sent.length > 0);
    line.isDown = true;
    answer.status = 500;
    for (let round = 0; round < 6; round += 1) await pass(1000);
    assert.equal(
      sent.flat().some(({ status }) => status === 'critical'),
      false,
    );
    line.isDown = false;
    checks.apply(update({ reset: true, checked: [told] }));
    await eventually('the news', { pass, every: 500 }, () => sent.flat().at(-1)?.status === 'critical');
    assert.match(sent.flat().at(-1)?.output ?? '', /500/);
  });

  it('end when the instance is not the agent’s any more', async () => {
    const { checks, sent, pass } = setUp();
    checks.apply(update({ reset: true, checked: [instance(await serve({ status: 200 }))] }));
    await eventually('the first report', { pass, every: 600 }, () => sent.length > 0);
    checks.apply(update({ uncheckedInstanceIds: ['i'] }));
    await pass(200);
    const before = sent.length;
    for (let round = 0; round < 4; round += 1) await pass(5000);
    assert.equal(sent.length, before);
  });

  const refused: readonly (readonly [rule: string, instance: CheckedInstance, output: RegExp])[] = [
    ['another host', instance(80, { host: '198.51.100.7' }), /198.51.100.7 is no address of the agent's host/],
    ['a name', instance(80, { host: 'localhost' }), /localhost is no address of the agent's host/],
    ['metadata of clouds', instance(80, { host: '169.254.169.254' }), /is no address|do not go to/],
    ['a program', instance(80, {}, { $case: 'script', value: { args: ['/bin/true'] } }), /--script-checks/],
    [
      'a mesh where it has no certificate',
      instance(80, {}, { $case: 'grpc', value: { tls: true, port: 0, service: '' } }),
      /no certificate/,
    ],
  ];
  for (const [rule, told, output] of refused)
    it(`do not go to ${rule}, whatever the control plane says`, async () => {
      const { checks, sent, pass } = setUp();
      checks.apply(update({ reset: true, checked: [told] }));
      await eventually('a report', { pass, every: 600 }, () => sent.flat().at(-1)?.status === 'critical');
      assert.match(sent.flat().at(-1)?.output ?? '', output);
    });

  it('are programs where the operator of the host lets them be', async () => {
    const { checks, sent, pass } = setUp(true);
    const script = { $case: 'script', value: { args: ['/bin/sh', '-c', 'echo $HOME-; exit 1'] } } as const;
    checks.apply(
      update({ reset: true, checked: [instance(80, {}, { ...script, value: { args: [...script.value.args] } })] }),
    );
    await eventually('a report', { pass, every: 600 }, () => sent.flat().at(-1)?.status === 'warning');
    assert.equal(sent.flat().at(-1)?.output, '-\n');
  });
});
