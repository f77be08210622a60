import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createCsr, generateKeyPair, toPem } from '@rampart/spiffe';
import type { CheckedInstance, SyncUpdate } from '@rampart/wire';
import type { ControlPlane } from '../control-plane.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const WEB = 'spiffe://cluster.local/ns/prod/sa/web';
interface DeniedReport {
  readonly identity: string;
  readonly instance_id: string;
  readonly details: { readonly reason: string };
}

const BY_AGENT = { kind: { case: 'http', value: { scheme: 'http', path: '/health' } }, byAgent: true } as const;

describe('checks that agents run', () => {
  const planes = new TestPlanes();
  let clock: ManualClock;
  let plane: ControlPlane;
  let admin: ApiClient;

  beforeEach(async () => {
    await planes.open();
    clock = new ManualClock();
    plane = await planes.start({ clock });
    admin = planes.keep(connectAsAdmin(plane));
  });
  afterEach(() => planes.close());

  async function startAgent(name: string): Promise<ApiClient> {
    const { token } = await admin.admin.createJoinToken({ agent: name });
    const keyPair = generateKeyPair();
    const { chain } = await planes.keep(connectTo(plane)).identity.attest({
      evidence: { case: 'joinToken', value: token },
      csr: createCsr(keyPair),
    });
    const certificate = chain.map((der) => toPem(der)).join('');
    return planes.keep(connectTo(plane, { credentials: { certificate, key: keyPair.privateKeyPem() } }));
  }

  async function register(instanceId: string, more: object = {}): Promise<void> {
    const instance = { instanceId, service: 'web', namespace: 'prod', host: '127.0.0.1', port: 80, permanent: true };
    await admin.registry.register({ instance: { ...instance, checks: [BY_AGENT], ...more } });
  }

  async function entry(parent: string): Promise<void> {
    const document = JSON.stringify({
      apiVersion: 'rampart.dev/v1',
      kind: 'RegistrationEntry',
      metadata: { name: 'web', namespace: 'istio-system' },
      spec: {
        spiffeId: WEB,
        selectors: ['unix:uid:1000'],
        parentId: `spiffe://cluster.local/agent/join_token/${parent}`,
      },
    });
    assert.deepEqual((await admin.admin.apply({ document })).problems, []);
  }

  async function stateOf(id: string): Promise<readonly [health: string | undefined, output: string | undefined]> {
    const { instances } = await admin.registry.find({ service: 'web', namespace: 'prod' });
    const found = instances.find(({ instanceId }) => instanceId === id);
    return [found?.health, found?.checks[0]?.output];
  }

  /** What an agent runs now. */
  function listen(agent: ApiClient): ReadonlyMap<string, CheckedInstance> {
    const checked = new Map<string, CheckedInstance>();
    const take = (update: SyncUpdate): void => {
      for (const instance of update.checked) checked.set(instance.instanceId, instance);
      for (const id of update.uncheckedInstanceIds) checked.delete(id);
    };
    void (async () => {
      for await (const update of agent.agent.sync({})) take(update);
    })().catch(() => undefined);
    return checked;
  }

  const report = (
    agent: ApiClient,
    instanceId: string,
    [status, output]: readonly [status: string, output?: string],
  ): Promise<unknown> =>
    agent.agent.reportChecks({
      reports: [{ instanceId, checkId: `service:${instanceId}`, status, ...(output === undefined ? {} : { output }) }],
    });

  const refused = async (agent: ApiClient, instanceId: string): Promise<readonly string[]> =>
    (await agent.agent.reportChecks({ reports: [{ instanceId, checkId: `service:${instanceId}`, status: 'passing' }] }))
      .refusedInstanceIds;

  it('an agent is told of those of its host, whole, and of what becomes of them', async () => {
    const agent = await startAgent('host-1');
    await register('here');
    await register('there', { host: '10.0.0.9' });
    await register('plain', { checks: [{ kind: { case: 'tcp', value: {} }, initialStatus: 'passing' }] });
    const checked = listen(agent);
    await until('the instance', () => checked.size === 1);
    const [check] = checked.get('here')?.checks ?? [];
    assert.deepEqual(
      [check?.checkId, check?.kind.case, check?.intervalMs, check?.timeoutMs, check?.initialStatus],
      ['service:here', 'http', 10_000n, 10_000n, 'critical'],
    );
    await register('next');
    await until('the next one', () => checked.has('next'));
    await admin.registry.deregister({ instanceId: 'here' });
    await until('its end', () => !checked.has('here'));
  });

  it('what it says is what can be found', async () => {
    const agent = await startAgent('host-1');
    await register('here');
    assert.deepEqual(await stateOf('here'), ['critical', '']);
    await report(agent, 'here', ['passing', 'HTTP 200']);
    assert.deepEqual(await stateOf('here'), ['passing', 'HTTP 200']);
    await report(agent, 'here', ['warning']);
    assert.deepEqual(await stateOf('here'), ['warning', 'HTTP 200'], 'output that is left out stays');
    await report(agent, 'here', ['critical', '']);
    assert.deepEqual(await stateOf('here'), ['critical', '']);
  });

  it('a check of which no agent says anything for 30 s is critical, until one does', async () => {
    const agent = await startAgent('host-1');
    await register('here');
    await report(agent, 'here', ['passing', 'fine']);
    clock.advance(20_000);
    await report(agent, 'here', ['passing']);
    clock.advance(29_000);
    assert.equal((await stateOf('here'))[0], 'passing');
    clock.advance(1001);
    assert.deepEqual(await stateOf('here'), ['critical', 'not reported for 30000 ms by the agent of its host']);
    await report(agent, 'here', ['passing', 'fine']);
    assert.equal((await stateOf('here'))[0], 'passing');
  });

  it('an agent speaks for nothing on another host, whoever registered it', async () => {
    const agent = await startAgent('host-1');
    await register('there', { host: '10.0.0.9' });
    await register('named', { host: 'localhost' });
    for (const instanceId of ['there', 'named', 'nowhere'])
      assert.deepEqual(await refused(agent, instanceId), [instanceId]);
    assert.deepEqual(await stateOf('there'), ['critical', '']);
    // It is on record a moment after the answer.
    const refusals = async (): Promise<DeniedReport[]> =>
      (await admin.admin.queryAudit({ eventType: 'CHECK_REPORT_DENIED' })).records.map(
        (json) => JSON.parse(json) as DeniedReport,
      );
    await until('the record', async () => (await refusals()).length > 0);
    const denied = await refusals();
    assert.deepEqual(
      denied.map(({ identity, instance_id: id, details }) => [identity, id, details.reason]),
      [['spiffe://cluster.local/agent/join_token/host-1', 'there', 'the instance is on another host']],
    );
  });

  it('an agent whose addresses are translated speaks for the hosts that operators say, for as long as they do', async () => {
    const [agent, other] = [await startAgent('host-1'), await startAgent('host-2')];
    await register('there', { host: '10.0.0.9' });
    await register('beyond', { host: '10.1.0.9' });
    const [checked, others] = [listen(agent), listen(other)];
    const setNetworks = async (cidrs: readonly string[]): Promise<void> => {
      const document = JSON.stringify({
        apiVersion: 'rampart.dev/v1',
        kind: 'RegistrySettings',
        metadata: { name: 'default', namespace: 'istio-system' },
        spec: { agentNetworks: [{ agent: 'spiffe://cluster.local/agent/*/host-1', cidrs }] },
      });
      assert.deepEqual((await admin.admin.apply({ document })).problems, []);
    };
    await setNetworks(['10.0.0.0/16']);
    await until('the instance', () => checked.has('there'));
    assert.deepEqual(await refused(agent, 'there'), []);
    assert.deepEqual([await refused(agent, 'beyond'), await refused(other, 'there')], [['beyond'], ['there']]);
    await register('next', { host: '10.0.3.9' });
    await until('the next one', () => checked.has('next'));
    await setNetworks(['10.1.0.0/16']);
    await until('the others', () => checked.has('beyond') && checked.size === 1);
    assert.deepEqual(await refused(agent, 'there'), ['there']);
    assert.equal(others.size, 0);
  });

  it('of the mesh it speaks only for identities that it hands out now', async () => {
    const [own, other] = [await startAgent('host-1'), await startAgent('host-2')];
    await register('web-1', { spiffeId: WEB });
    assert.deepEqual(await refused(own, 'web-1'), ['web-1']);
    await entry('host-1');
    const checked = listen(own);
    const others = listen(other);
    await until('the instance', () => checked.has('web-1'));
    assert.equal(others.size, 0);
    assert.deepEqual(await refused(own, 'web-1'), []);
    assert.deepEqual(await refused(other, 'web-1'), ['web-1']);
    await entry('host-2');
    await until('the end for the first', () => !checked.has('web-1') && others.has('web-1'));
    assert.deepEqual(await refused(own, 'web-1'), ['web-1']);
    assert.equal((await stateOf('web-1'))[0], 'passing');
  });

  it('a check that the control plane runs, or the service reports, is not for agents', async () => {
    const agent = await startAgent('host-1');
    await register('run', { checks: [{ kind: { case: 'tcp', value: { port: 1 } }, intervalMs: 3_600_000n }] });
    await register('told', { checks: [{ kind: { case: 'ttl', value: { ttlMs: 60_000n } } }] });
    assert.deepEqual(await refused(agent, 'run'), ['run']);
    assert.deepEqual(await refused(agent, 'told'), ['told']);
    await register('here');
    const asked = admin.registry.reportCheck({ instanceId: 'here', checkId: 'service:here', status: 'passing' });
    await assert.rejects(asked, /is run by the agent of its host; only TTL checks are reported/);
  });

  it('a report that cannot be read changes nothing', async () => {
    const agent = await startAgent('host-1');
    await register('here');
    await assert.rejects(report(agent, 'here', ['fine']), /a status is passing, warning, critical/);
    const reports = Array.from({ length: 1001 }, () => ({ instanceId: 'here', checkId: 'c', status: 'passing' }));
    await assert.rejects(agent.agent.reportChecks({ reports }), /at most 1000 checks/);
    assert.equal((await stateOf('here'))[0], 'critical');
  });

  it('nobody but agents reports for a host, and agents take no part in the rest', async () => {
    await register('here');
    const { credentials } = await attest(plane, { namespace: 'prod', serviceAccount: 'web', service: 'web' });
    const workload = planes.keep(connectTo(plane, { credentials }));
    await assert.rejects(report(workload, 'here', ['passing']), /is no agent/);
    const agent = await startAgent('host-1');
    await assert.rejects(agent.registry.reportCheck({ instanceId: 'here', status: 'passing' }), /./);
    assert.equal((await stateOf('here'))[0], 'critical');
  });

  it('scripts for agents are for operators to register', async () => {
    const script = { kind: { case: 'script' as const, value: { args: ['/bin/true'] } }, byAgent: true };
    await register('here', { checks: [script] });
    const { credentials } = await attest(plane, { namespace: 'prod', serviceAccount: 'web', service: 'web' });
    const workload = planes.keep(connectTo(plane, { credentials }));
    const instance = { instanceId: 'w', service: 'web', namespace: 'prod', port: 80, checks: [script] };
    await assert.rejects(workload.registry.register({ instance }), /scripts, unless an operator/);
  });
});
