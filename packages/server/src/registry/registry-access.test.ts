import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import type { ControlPlane } from '../control-plane.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo, type Credentials } from '../testing/workload-client.ts';

const RULES = `# payment-service can only register itself
service "payment-service" {
  policy = "write"
  identity = "spiffe://cluster.local/ns/prod/sa/payment-service"
}
# order-service can discover payment-service
service "payment-service" {
  policy = "read"
  identity = "spiffe://cluster.local/ns/prod/sa/order-service"
}
# ops team can manage all services
namespace "prod" {
  policy = "admin"
  identity = "team:ops"
}
`;
const SETTINGS = (spec: object): string =>
  JSON.stringify({ apiVersion: 'rampart.dev/v1', kind: 'RegistrySettings', metadata: { name: 'default' }, spec });
const PAYMENT = {
  service: 'payment-service',
  namespace: 'prod',
  instanceId: 'payment-1',
  host: '10.0.1.1',
  port: 8080,
  leaseMs: 60_000n,
};
const NAME = { service: 'payment-service', namespace: 'prod' };

describe('the registry of a control plane with rules', () => {
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

  const as = (caller: { readonly credentials?: Credentials; readonly token?: string }): ApiClient['registry'] => {
    const client = planes.keep(connectTo(plane, caller));
    return client.registry;
  };
  const workload = async (serviceAccount: string, namespace = 'prod'): Promise<ApiClient['registry']> =>
    as(await attest(plane, { namespace, serviceAccount, service: serviceAccount }));
  const token = async (name: string, ...teams: string[]): Promise<ApiClient['registry']> =>
    as({ token: (await admin.tokens.createApiToken({ name, role: 'service', teams })).token });
  const apply = async (document: string, file = 'document.yaml'): Promise<void> => {
    assert.deepEqual((await admin.admin.apply({ document, file })).problems, []);
  };
  /** Code and text of a refusal. */
  const refusal = async (call: Promise<unknown>): Promise<string> => {
    const error: unknown = await call.then(
      () => assert.fail('it was let in'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ConnectError, String(error));
    return `${Code[error.code]}: ${error.rawMessage}`;
  };
  /** Newest first. Nobody waits for the records of questions and refusals: they come to the journal a little later. */
  const audited = async (eventType: string, least = 1): Promise<Record<string, unknown>[]> => {
    let found: Record<string, unknown>[] = [];
    await until(`${least} × ${eventType} on record`, async () => {
      const { records } = await admin.admin.queryAudit({ eventType, limit: 1000 });
      found = records.map((record) => JSON.parse(record) as Record<string, unknown>);
      return found.length >= least;
    });
    return found;
  };

  it('says who may do what', async () => {
    await apply(RULES, 'rules.hcl');
    const [payment, order, ops, other] = [
      await workload('payment-service'),
      await workload('order-service'),
      await token('bob', 'ops'),
      await token('eve', 'dev'),
    ];
    await payment.register({ instance: PAYMENT });
    for (const caller of [payment, order, ops]) assert.equal((await caller.find(NAME)).instances.length, 1);
    assert.equal((await other.find(NAME)).instances.length, 0);
    assert.equal(
      await refusal(order.register({ instance: { ...PAYMENT, instanceId: 'x' } })),
      'PermissionDenied: Not authorized to register this service',
    );
    assert.equal(
      await refusal(ops.register({ instance: { ...PAYMENT, instanceId: 'x' } })),
      'PermissionDenied: Identity does not match service name',
    );
    assert.equal(
      await refusal(other.deregister({ instanceId: 'payment-1' })),
      'NotFound: instance "payment-1" is not registered',
    );
    await ops.deregister({ instanceId: 'payment-1', reason: 'test' });
    assert.equal((await audited('IDENTITY_MISMATCH')).length, 1);
    const [denied] = await audited('REGISTRATION_DENIED');
    assert.equal(denied?.['identity'], 'spiffe://cluster.local/ns/prod/sa/order-service');
    assert.equal(denied['result'], 'DENIED');
    assert.equal((await audited('ACL_CHANGED')).length, 1);
    await audited('DISCOVERY_QUERY', 3);
  });

  it('answers a refused question as one about nothing, to the last header', async () => {
    await apply(RULES, 'rules.hcl');
    await (await workload('payment-service')).register({ instance: PAYMENT });
    const eve = await token('eve');
    const answer = async (service: string): Promise<unknown> => {
      const headers = new Map<string, string>();
      const onHeader = (header: Headers): void => {
        for (const [name, value] of header)
          if (!['date', 'ratelimit', 'signature', 'signature-input'].includes(name)) headers.set(name, value);
      };
      const { revision, instances } = await eve.find({ service, namespace: 'prod' }, { onHeader });
      return { revision, instances, headers: new Map([...headers].toSorted(([a], [b]) => a.localeCompare(b))) };
    };
    assert.deepEqual(await answer('payment-service'), await answer('payment-servicx'));
  });

  it('marks lists that may not be whole', async () => {
    await apply(RULES, 'rules.hcl');
    await (await workload('payment-service')).register({ instance: PAYMENT });
    const marked = async (who: ApiClient['registry'], namespace: string): Promise<[number, string | null]> => {
      let mark: string | null = null;
      const { services } = await who.listServices(
        { namespace },
        { onHeader: (header) => (mark = header.get('rampart-results-filtered')) },
      );
      return [services.length, mark];
    };
    assert.deepEqual(await marked(await workload('order-service'), 'prod'), [1, 'true']);
    assert.deepEqual(await marked(await token('eve'), 'prod'), [0, 'true']);
    assert.deepEqual(await marked(await token('eve'), 'nowhere'), [0, 'true']);
    assert.deepEqual(await marked(await token('bob', 'ops'), 'prod'), [1, null]);
    assert.deepEqual(await marked(admin.registry, ''), [1, null]);
  });

  it('cuts a watch when its permission is lost', async () => {
    await apply(RULES, 'rules.hcl');
    await (await workload('payment-service')).register({ instance: PAYMENT });
    const order = await workload('order-service');
    const messages = order.watch(NAME)[Symbol.asyncIterator]();
    const first = await messages.next();
    assert.equal(first.done === true ? 0 : first.value.events.length, 1);
    const cut = refusal(messages.next());
    await apply('service "nothing" { policy = "read" }', 'rules.hcl');
    assert.match(await cut, /begin the watch again/);
    assert.equal((await order.find(NAME)).instances.length, 0);
  });

  it('asks who calls, with the words of the algorithm', async () => {
    assert.equal(await refusal(as({}).find(NAME)), 'Unauthenticated: Authentication required');
    assert.equal(await refusal(as({ token: 'guess' }).find(NAME)), 'Unauthenticated: Invalid token');
    const { credentials } = await attest(plane, { namespace: 'prod', serviceAccount: 'order-service' });
    assert.equal(await refusal(as({ token: 'guess', credentials }).find(NAME)), 'Unauthenticated: Invalid token');
    clock.advance(25 * 3_600_000);
    assert.equal(await refusal(as({ credentials }).find(NAME)), 'Unauthenticated: Invalid certificate');
    const failures = await audited('AUTHENTICATION_FAILED', 4);
    assert.deepEqual(failures.map(({ details }) => (details as Record<string, unknown>)['reason']).slice(-3), [
      'unknown or ended token',
      'unknown or ended token',
      'no credentials',
    ]);
  });

  it('lets anonymous callers in where it is told to, and no further than rules let them', async () => {
    await apply(SETTINGS({ anonymous: true, defaultPolicy: 'deny' }));
    const anybody = as({});
    assert.equal((await anybody.find(NAME)).instances.length, 0);
    await apply('namespace "prod" {\n policy = "read"\n identity = "anonymous"\n}', 'open.hcl');
    await admin.registry.register({ instance: { ...PAYMENT, spiffeId: '' } });
    assert.equal((await anybody.find(NAME)).instances.length, 1);
    assert.equal(
      await refusal(anybody.register({ instance: PAYMENT })),
      'PermissionDenied: Not authorized to register this service',
    );
  });

  it('takes JWT-SVIDs that are meant for it', async () => {
    await apply(RULES, 'rules.hcl');
    await (await workload('payment-service')).register({ instance: PAYMENT });
    const spiffeId = 'spiffe://cluster.local/ns/prod/sa/order-service';
    const mint = async (audience: string): Promise<ApiClient['registry']> =>
      as({ token: (await admin.trust.mintJwtSvid({ spiffeId, audiences: [audience] })).token });
    assert.equal((await (await mint('rampart-registry')).find(NAME)).instances.length, 1);
    assert.equal(await refusal((await mint('somebody-else')).find(NAME)), 'Unauthenticated: Invalid token');
  });

  it('keeps registrations to their networks', async () => {
    await apply(SETTINGS({ networks: [{ service: 'payment-*', cidrs: ['10.0.0.0/16'] }] }));
    const payment = await workload('payment-service');
    assert.equal(
      await refusal(payment.register({ instance: { ...PAYMENT, host: '10.99.99.99' } })),
      'PermissionDenied: Registration from unauthorized network',
    );
    await payment.register({ instance: PAYMENT });
    assert.equal((await audited('NETWORK_VIOLATION')).length, 1);
  });

  it('lets new services wait for a person, over a restart too', async () => {
    await (
      await workload('order-service')
    ).register({ instance: { ...PAYMENT, service: 'order-service', instanceId: 'order-1' } });
    await apply(SETTINGS({ approval: 'new-services' }));
    const credentials = (
      await attest(plane, { namespace: 'prod', serviceAccount: 'payment-service', service: 'payment-service' })
    ).credentials;
    const waits = 'PermissionDenied: Registration is waiting for approval';
    assert.equal(await refusal(as({ credentials }).register({ instance: PAYMENT })), waits);
    await plane.stop();
    plane = await planes.start({ clock });
    admin = planes.keep(connectAsAdmin(plane));
    const { registrations } = await admin.registry.listPending({});
    assert.deepEqual(
      registrations.map(({ service, identity, host }) => [service, identity, host]),
      [['payment-service', 'spiffe://cluster.local/ns/prod/sa/payment-service', '10.0.1.1']],
    );
    const viewer = as({ token: (await admin.tokens.createApiToken({ name: 'ann', role: 'viewer' })).token });
    assert.equal((await viewer.listPending({})).registrations.length, 1);
    assert.match(await refusal(viewer.approve(NAME)), /^PermissionDenied: the token of ann has the role viewer/);
    await admin.registry.approve(NAME);
    await as({ credentials }).register({ instance: PAYMENT });
    assert.deepEqual((await admin.registry.listPending({})).registrations, []);
    await admin.registry.reject(NAME);
    assert.equal(
      await refusal(as({ credentials }).register({ instance: { ...PAYMENT, port: 1 } })),
      'PermissionDenied: Registration was rejected',
    );
  });

  it('says what is left of a limit, and when to come again', async () => {
    await apply(SETTINGS({ limits: { queries: { perSecond: 1, burst: 3 } } }));
    const order = await workload('order-service');
    const ask = async (): Promise<(string | null)[]> => {
      let header = new Headers();
      await order.find(NAME, { onHeader: (found) => (header = found) });
      return [header.get('ratelimit-policy'), header.get('ratelimit')];
    };
    assert.deepEqual(await ask(), ['"query";q=3;w=3', '"query";r=2;t=1']);
    await ask();
    assert.deepEqual(await ask(), ['"query";q=3;w=3', '"query";r=0;t=3']);
    await assert.rejects(order.find(NAME), (error) => {
      assert.ok(error instanceof ConnectError);
      assert.equal(error.code, Code.ResourceExhausted);
      assert.deepEqual(
        ['retry-after', 'ratelimit'].map((name) => error.metadata.get(name)),
        ['1', '"query";r=0;t=1'],
      );
      return true;
    });
    clock.advance(1000);
    await ask();
    // Operators are not limited, and others have their own.
    for (let call = 0; call < 5; call += 1) await admin.registry.find(NAME);
    await (await workload('payment-service')).find(NAME);
  });

  it('refuses whoever keeps guessing, and on this very host keeps nobody else out', async () => {
    const order = await workload('order-service');
    const guesser = as({ token: 'guess' });
    for (let call = 0; call < 100; call += 1) await refusal(guesser.find(NAME));
    clock.advance(200_000);
    assert.match(await refusal(guesser.find(NAME)), /^ResourceExhausted: too many refused calls/);
    await assert.rejects(guesser.find(NAME), (error) => {
      assert.ok(error instanceof ConnectError);
      const names = ['retry-after', 'ratelimit-policy', 'ratelimit'];
      const limit = '"authentication-failures"';
      assert.deepEqual(
        names.map((name) => error.metadata.get(name)),
        ['100', `${limit};q=100;w=60`, `${limit};r=0;t=100`],
      );
      return true;
    });
    await admin.registry.find(NAME);
    await order.find(NAME);
    clock.advance(100_000);
    assert.match(await refusal(guesser.find(NAME)), /^Unauthenticated/);
    const [blocked, ...more] = await audited('ADDRESS_BLOCKED');
    assert.deepEqual(
      [blocked?.['source_ip'], blocked?.['details'], more],
      ['127.0.0.1', { failures: 100, seconds: 300 }, []],
    );
  });

  it('notices what is unusual', async () => {
    const payment = await workload('payment-service');
    await payment.register({ instance: PAYMENT });
    await payment.register({ instance: { ...PAYMENT, instanceId: 'payment-2', host: '10.99.99.99' } });
    const kinds = (await audited('REGISTRATION_ANOMALY', 2)).map(({ details }) =>
      (details as { reasons: { kind: string }[] }).reasons.map(({ kind }) => kind),
    );
    assert.deepEqual(kinds, [['new-network'], ['unknown-service']]);
  });

  it('answers what rules say to a question', async () => {
    await apply(RULES, 'rules.hcl');
    const check = async (identity: string, action: string, resource: string): Promise<string> => {
      const { outcome, rule } = await admin.registry.checkAccess({ identity, action, resource });
      return `${outcome} ${rule}`;
    };
    assert.equal(
      await check('spiffe://cluster.local/ns/prod/sa/order-service', 'read', 'service:payment-service'),
      'ALLOW rules[1]',
    );
    assert.equal(
      await check('spiffe://cluster.local/ns/prod/sa/order-service', 'write', 'service:payment-service'),
      'DENY ',
    );
    assert.equal(await check('team:ops', 'admin', 'namespace:prod/*'), 'ALLOW rules[2]');
    assert.match(await refusal(check('bob smith', 'read', 'service:a')), /^InvalidArgument: identity is a SPIFFE ID/);
  });
});
