import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { RegisterInstanceSchema } from '@rampart/wire';
import type { ControlPlane } from '../control-plane.ts';
import { FakeDataPlane } from '../testing/fake-data-plane.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const PAY = 'spiffe://cluster.local/ns/prod/sa/pay';
const NAME = { service: 'pay', namespace: 'prod' };
const LETS = `service "pay" {\n  policy = "write"\n  identity = "${PAY}"\n}\n`;
const KEEPS_OUT = LETS.replace('write', 'read');

const settings = (spec: object): string =>
  JSON.stringify({ apiVersion: 'rampart.dev/v1', kind: 'RegistrySettings', metadata: { name: 'default' }, spec });

describe('instances of a control stream', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let admin: ApiClient;
  let stream: FakeDataPlane;

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
    admin = planes.keep(connectAsAdmin(plane));
    const { credentials } = await attest(plane, { ...NAME, serviceAccount: 'pay' });
    stream = new FakeDataPlane(planes.keep(connectTo(plane, { credentials }))).connect();
  });
  afterEach(() => planes.close());

  const found = async (): Promise<string> =>
    (await admin.registry.find(NAME)).instances.map(({ instanceId }) => instanceId).join(' ');

  async function apply(document: string, file: string): Promise<void> {
    assert.deepEqual((await admin.admin.apply({ document, file })).problems, []);
  }

  async function reasons(): Promise<readonly string[]> {
    const { records } = await admin.admin.queryAudit({ limit: 100 });
    return records
      .map((json) => JSON.parse(json) as { event_type: string; details: { reason: string } })
      .filter(({ event_type: type }) => type === 'DEREGISTRATION')
      .map(({ details }) => details.reason);
  }

  const changes: readonly (readonly [what: string, lose: () => Promise<unknown>, regain: () => Promise<unknown>])[] = [
    ['a rule that lets it write', () => apply(KEEPS_OUT, 'rules.hcl'), () => apply(LETS, 'rules.hcl')],
    [
      'its network',
      () => apply(settings({ networks: [{ service: 'pay', cidrs: ['10.0.0.0/8'] }] }), 'settings.yaml'),
      () => apply(settings({}), 'settings.yaml'),
    ],
    [
      'its identity pattern',
      () =>
        apply(settings({ identityPatterns: [{ service: 'pay', pattern: 'spiffe://*/ns/x/sa/y' }] }), 'settings.yaml'),
      () => apply(settings({}), 'settings.yaml'),
    ],
    [
      'the approval of a person',
      async () => {
        await apply(settings({ approval: 'new-identities' }), 'settings.yaml');
        await admin.registry.reject({ ...NAME, identity: PAY });
      },
      () => admin.registry.approve({ ...NAME, identity: PAY }),
    ],
  ];
  for (const [what, lose, regain] of changes)
    it(`are gone with ${what}, and back with it`, async () => {
      await apply(LETS, 'rules.hcl');
      stream.register('pay-1', 8080);
      await until('the instance', async () => (await found()) === 'pay-1');
      await lose();
      await until('its end', async () => (await found()) === '');
      assert.deepEqual(await reasons(), ['may no longer be registered']);
      assert.equal(stream.ended, false, 'policies and trust reach it all the same');
      await regain();
      await until('the instance again', async () => (await found()) === 'pay-1');
    });

  it('stay where approval is asked for from now on', async () => {
    stream.register('pay-1', 8080);
    await until('the instance', async () => (await found()) === 'pay-1');
    await apply(settings({ approval: 'new-services' }), 'settings.yaml');
    await apply(LETS, 'rules.hcl');
    assert.equal(await found(), 'pay-1');
    assert.deepEqual(await reasons(), []);
  });

  it('that were refused are registered as soon as rules let them', async () => {
    await apply(KEEPS_OUT, 'rules.hcl');
    stream.register('pay-1', 8080);
    await until('the refusal', async () => (await admin.admin.getStatus({})).planes[0]?.problem !== '');
    await apply(LETS, 'rules.hcl');
    await until('the instance', async () => (await found()) === 'pay-1');
  });

  it('that ended meanwhile do not come back', async () => {
    await apply(LETS, 'rules.hcl');
    stream.register('pay-1', 8080);
    stream.register('pay-2', 8081);
    await until('the instances', async () => (await found()) === 'pay-1 pay-2');
    await apply(KEEPS_OUT, 'rules.hcl');
    await until('their end', async () => (await found()) === '');
    stream.say({ case: 'deregister', value: { $typeName: 'rampart.v1.DeregisterInstance', instanceId: 'pay-1' } });
    stream.ack(1);
    await until('the word', async () => (await admin.admin.getStatus({})).planes[0]?.ackedRevision !== 0n);
    await apply(LETS, 'rules.hcl');
    await until('the other one', async () => (await found()) === 'pay-2');
  });

  it('of a revoked identity are gone at once', async () => {
    stream.register('pay-1', 8080);
    await until('the instance', async () => (await found()) === 'pay-1');
    await admin.revocation.revoke({ spiffeId: PAY, reason: 'keyCompromise' });
    await until('their end', async () => (await found()) === '', 5000);
    await until('the end of the stream', () => stream.ended);
    assert.deepEqual(await reasons(), ['its identity was revoked']);
  });

  it('and what was registered at another door are gone with the identity, and nothing of others', async () => {
    const others = await attest(plane, { namespace: 'prod', serviceAccount: 'till', service: 'till' });
    const pay = await attest(plane, { ...NAME, serviceAccount: 'pay' });
    for (const [{ credentials }, service] of [
      [pay, 'pay'],
      [others, 'till'],
    ] as const) {
      const { registry } = planes.keep(connectTo(plane, { credentials }));
      const instance = { instanceId: `${service}-x`, service, namespace: 'prod', host: '10.6.6.6', port: 80 };
      await registry.register({ instance: { ...instance, permanent: true } });
    }
    assert.equal(await found(), 'pay-x');
    await admin.revocation.revoke({ spiffeId: PAY, reason: 'keyCompromise' });
    await until('its end', async () => (await found()) === '');
    assert.deepEqual(await reasons(), ['its identity was revoked']);
    assert.equal((await admin.registry.find({ service: 'till', namespace: 'prod' })).instances.length, 1);
  });

  type Said = Exclude<MessageInitShape<typeof RegisterInstanceSchema>, { $typeName: string }>;
  const say = (more: Said): void =>
    stream.say({
      case: 'register',
      value: create(RegisterInstanceSchema, { instanceId: 'pay-1', port: 8080, protocol: 'http', ...more }),
    });

  it('say of themselves what others can find them by', async () => {
    say({
      tags: ['v2'],
      metadata: { team: 'shop' },
      weights: { passing: 3, warning: 1 },
      locality: { region: 'eu', zone: 'eu-1' },
      version: '2.1.0',
      checks: [{ kind: { case: 'tcp', value: {} }, initialStatus: 'warning', intervalMs: 60_000n }],
      deregisterCriticalAfterMs: 60_000n,
    });
    await until('the instance', async () => (await found()) === 'pay-1');
    const [instance] = (await admin.registry.find({ ...NAME, tags: ['v2'] })).instances;
    assert.deepEqual(
      [instance?.metadata, instance?.weights?.passing, instance?.locality?.zone, instance?.version],
      [{ team: 'shop' }, 3, 'eu-1', '2.1.0'],
    );
    assert.deepEqual([instance?.checks.length, instance?.deregisterCriticalAfterMs], [1, 60_000n]);
  });

  const refused: readonly (readonly [rule: string, said: Said, problem: RegExp])[] = [
    ['too many tags', { tags: Array.from({ length: 65 }, (_, index) => `t${index}`) }, /tags must be at most 64/],
    ['metadata that is too long', { metadata: { k: 'x'.repeat(513) } }, /metadata must have values of at most 512/],
    ['a weight of 0', { weights: { passing: 0, warning: 0 } }, /weights must be whole numbers/],
    ['a program as its check', { checks: [{ kind: { case: 'script', value: { args: ['/bin/true'] } } }] }, /scripts/],
    ['a check of nothing', { checks: [{}] }, /must be one of http, tcp/],
    ['a check elsewhere', { host: '10.0.0.9', checks: [{ kind: { case: 'tcp', value: {} } }] }, /not at 10.0.0.9/],
  ];
  for (const [rule, said, problem] of refused)
    it(`are held to the limits of every door: ${rule}`, async () => {
      say(said);
      const status = async (): Promise<string> => (await admin.admin.getStatus({})).planes[0]?.problem ?? '';
      await until('the refusal', async () => (await status()) !== '');
      assert.match(await status(), problem);
      assert.equal(await found(), '');
    });
});
