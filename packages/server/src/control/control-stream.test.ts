import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import type { ControlPlane } from '../control-plane.ts';
import { FakeDataPlane, type HelloOptions } from '../testing/fake-data-plane.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import {
  type ApiClient,
  attest,
  type AttestedWorkload,
  connectAsAdmin,
  connectTo,
  type Credentials,
  type WorkloadOptions,
} from '../testing/workload-client.ts';

const FRONTEND: WorkloadOptions = { namespace: 'default', serviceAccount: 'frontend' };
const ORDERS: WorkloadOptions = {
  namespace: 'production',
  serviceAccount: 'orders',
  service: 'orders-api',
  labels: { app: 'orders' },
};

function policy(namespace: string, name: string): string {
  return `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: { mtls: { mode: STRICT } }\n`;
}

describe('the control stream', () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  function client(plane: ControlPlane, credentials?: Credentials): ApiClient {
    const opened = planes.keep(connectTo(plane, credentials === undefined ? {} : { credentials }));
    return opened;
  }

  function admin(plane: ControlPlane): ApiClient['admin'] {
    const opened = planes.keep(connectAsAdmin(plane));
    return opened.admin;
  }

  function dataPlane(plane: ControlPlane, { credentials }: AttestedWorkload, hello?: HelloOptions): FakeDataPlane {
    return new FakeDataPlane(client(plane, credentials)).connect(hello);
  }

  async function connected(
    plane: ControlPlane,
    workload: WorkloadOptions,
    hello?: HelloOptions,
  ): Promise<FakeDataPlane> {
    const opened = dataPlane(plane, await attest(plane, workload), hello);
    await until('the first message', () => opened.received.length > 0);
    return opened;
  }

  it('begins with everything a workload may know: the root namespace and its own', async () => {
    const plane = await planes.start();
    await admin(plane).apply({
      document: [policy('istio-system', 'mesh'), policy('default', 'own'), policy('secret', 'other')].join('---\n'),
    });
    const frontend = await connected(plane, FRONTEND);
    assert.equal(frontend.received[0]?.reset, true);
    assert.deepEqual(
      [...frontend.resources.keys()],
      ['PeerAuthentication/default/own', 'PeerAuthentication/istio-system/mesh'],
    );
    assert.equal(frontend.received[0].bundle?.trustDomain, 'cluster.local');
    assert.equal(frontend.received[0].bundle.roots.length, 1);
  });

  it('tells nobody who gets which identity, and still counts everybody as up to date', async () => {
    const entry = (service: string): string =>
      `apiVersion: rampart.dev/v1\nkind: RegistrationEntry\nmetadata: { name: web, namespace: default }\nspec: { spiffeId: "spiffe://cluster.local/ns/default/sa/web", selectors: ["unix:uid:1"], service: ${service} }\n`;
    const attestor =
      'apiVersion: rampart.dev/v1\nkind: Attestor\nmetadata: { name: aws }\nspec: { awsIam: { accounts: ["123456789012"] } }\n';
    const plane = await planes.start();
    const operator = admin(plane);
    await operator.apply({ document: [entry('web'), attestor].join('---\n') });
    const frontend = await connected(plane, FRONTEND);
    frontend.ack(frontend.revision);
    const { revision } = await operator.apply({ document: entry('shop') });
    await until(
      'the acknowledgement',
      async () => (await operator.getStatus({})).planes[0]?.ackedRevision === revision,
    );
    assert.equal(frontend.resources.size, 0);
  });

  it('pushes applied, changed and deleted policies, and knows what is enforced', async () => {
    const plane = await planes.start();
    const operator = admin(plane);
    const frontend = await connected(plane, FRONTEND);
    const applied = await operator.apply({ document: policy('default', 'own') });
    await until('the policy', () => frontend.resources.has('PeerAuthentication/default/own'));
    assert.equal(frontend.received.at(-1)?.reset, false);
    assert.equal(frontend.revision, Number(applied.revision));
    frontend.ack(frontend.revision);
    await until(
      'the acknowledgement',
      async () => (await operator.getStatus({})).planes[0]?.ackedRevision === applied.revision,
    );
    await operator.deleteResource({ kind: 'PeerAuthentication', namespace: 'default', name: 'own' });
    await until('the deletion', () => frontend.resources.size === 0);
  });

  it('tells operators why a data plane cannot enforce a revision', async () => {
    const plane = await planes.start();
    const operator = admin(plane);
    const frontend = await connected(plane, FRONTEND);
    frontend.ack(frontend.revision, 'no such thing');
    await until('the problem', async () => (await operator.getStatus({})).planes[0]?.problem === 'no such thing');
  });

  it('does not tell a workload of policies of other namespaces, and still counts it as up to date', async () => {
    const plane = await planes.start();
    const operator = admin(plane);
    const frontend = await connected(plane, FRONTEND);
    frontend.ack(frontend.revision);
    const applied = await operator.apply({ document: policy('secret', 'other') });
    await until(
      'the acknowledgement',
      async () => (await operator.getStatus({})).planes[0]?.ackedRevision === applied.revision,
    );
    assert.equal(frontend.resources.size, 0);
  });

  it('registers instances under what the workload was attested as, for everyone to find', async () => {
    const plane = await planes.start();
    const frontend = await connected(plane, FRONTEND);
    const orders = await connected(plane, ORDERS);
    orders.register('orders-1', 3000);
    await until('the service', () => frontend.services.get('production/orders-api') === 1);
    const endpoint = frontend.received.at(-1)?.services[0]?.endpoints[0];
    assert.equal(endpoint?.host, '127.0.0.1');
    assert.equal(endpoint.port, 3000);
    assert.equal(endpoint.spiffeId, 'spiffe://cluster.local/ns/production/sa/orders');
    assert.deepEqual(endpoint.labels, { app: 'orders' });
  });

  it('keeps a service while its data plane is connected and drops it one lease after', async () => {
    const plane = await planes.start({ leaseMs: 200 });
    const frontend = await connected(plane, FRONTEND);
    const orders = await connected(plane, ORDERS);
    orders.register('orders-1', 3000);
    await until('the service', () => frontend.services.has('production/orders-api'));
    orders.kill();
    await until('its end', () => !frontend.services.has('production/orders-api'));
  });

  it('tells a workload of the services that rules let it know of, and of no others', async () => {
    const plane = await planes.start();
    const operator = admin(plane);
    const [frontend, orders] = await Promise.all([connected(plane, FRONTEND), connected(plane, ORDERS)]);
    orders.register('orders-1', 3000);
    await until('the service', () => frontend.services.has('production/orders-api'));
    const rules = `namespace "production" {
      service "orders-api" {
        policy = "write"
        identity = "spiffe://cluster.local/ns/production/sa/orders"
      }
    }`;
    await operator.apply({ document: rules, file: 'rules.hcl' });
    await until('the rules', () => !frontend.services.has('production/orders-api'));
    orders.register('orders-2', 3001);
    await until('the instance', () => orders.services.get('production/orders-api') === 2);
    assert.equal(frontend.services.size, 0);
    await operator.apply({ document: 'namespace "production" { policy = "read" }', file: 'more.hcl' });
    await until('both', () => frontend.services.get('production/orders-api') === 2);
  });

  it('registers what waited for a person as soon as it is approved', async () => {
    const plane = await planes.start();
    const registry = planes.keep(connectAsAdmin(plane));
    const settings = { approval: 'new-services' };
    const resource = { apiVersion: 'rampart.dev/v1', kind: 'RegistrySettings', metadata: { name: 'default' } };
    await registry.admin.apply({ document: JSON.stringify({ ...resource, spec: settings }) });
    const orders = await connected(plane, ORDERS);
    orders.register('orders-1', 3000);
    await until('the request', async () => (await registry.registry.listPending({})).registrations.length === 1);
    assert.equal(orders.services.size, 0);
    await registry.registry.approve({ service: 'orders-api', namespace: 'production' });
    await until('the service', () => orders.services.get('production/orders-api') === 1);
  });

  it('does not register a pure client, and goes on', async () => {
    const plane = await planes.start();
    const frontend = await connected(plane, FRONTEND);
    frontend.register('frontend-1', 3000);
    await admin(plane).apply({ document: policy('default', 'own') });
    await until('the policy', () => frontend.resources.size === 1);
    assert.equal(frontend.services.size, 0);
  });

  it('shows a refused registration to operators and keeps the stream', async () => {
    const plane = await planes.start();
    const orders = await connected(plane, ORDERS);
    orders.register('orders-1', 0);
    await until('the problem', async () => /port/.test((await admin(plane).getStatus({})).planes[0]?.problem ?? ''));
    assert.equal(orders.ended, false);
  });

  it('goes on from the revision a data plane holds', async () => {
    const plane = await planes.start();
    const attested = await attest(plane, FRONTEND);
    const first = dataPlane(plane, attested);
    await until('the first message', () => first.received.length > 0);
    const held = first.revision;
    first.kill();
    await admin(plane).apply({ document: policy('default', 'own') });
    const second = dataPlane(plane, attested, { revision: held });
    await until('the first message', () => second.received.length > 0);
    assert.equal(second.received[0]?.reset, false);
    assert.deepEqual([...second.resources.keys()], ['PeerAuthentication/default/own']);
  });

  it('starts over with a data plane whose revision it cannot go on from', async () => {
    const plane = await planes.start();
    const frontend = await connected(plane, FRONTEND, { revision: 999_999 });
    assert.equal(frontend.received[0]?.reset, true);
  });

  it('gives revisions after a restart that are above all before', async () => {
    const first = await planes.start();
    const attested = await attest(first, FRONTEND);
    const applied = await admin(first).apply({ document: policy('default', 'own') });
    await first.stop();
    const second = await planes.start();
    const frontend = dataPlane(second, attested, { revision: Number(applied.revision) });
    await until('the first message', () => frontend.received.length > 0);
    assert.ok(frontend.revision > Number(applied.revision));
    assert.deepEqual([...frontend.resources.keys()], ['PeerAuthentication/default/own']);
  });

  it('tells everyone of a revoked certificate and cuts its holder off', async () => {
    const plane = await planes.start();
    const operator = admin(plane);
    const frontend = await connected(plane, FRONTEND);
    const orders = await connected(plane, ORDERS);
    const { certificates } = await operator.listCertificates({
      spiffeId: 'spiffe://cluster.local/ns/production/sa/orders',
    });
    const serial = certificates[0]?.serial ?? '';
    assert.equal((await operator.revokeCertificate({ serial, reason: 'test' })).revoked, true);
    await until('the revocation', () => frontend.revoked.has(serial));
    await until('the end', () => orders.ended);
    assert.equal(ConnectError.from(orders.error).code, Code.PermissionDenied);
    assert.equal(ConnectError.from(orders.error).metadata.get('rampart-code'), 'CERTIFICATE_REVOKED');
  });

  it('replaces the stream of a data plane that connects again', async () => {
    const plane = await planes.start();
    const attested = await attest(plane, FRONTEND);
    const first = dataPlane(plane, attested);
    await until('the first message', () => first.received.length > 0);
    const second = dataPlane(plane, attested);
    await until('the first message', () => second.received.length > 0);
    await until('the end of the first', () => first.ended);
    assert.equal((await admin(plane).getStatus({})).dataPlanes, 1);
  });

  it('beats every three seconds, and cuts a data plane that does not', async () => {
    const clock = new ManualClock();
    const plane = await planes.start({ clock });
    const frontend = await connected(plane, FRONTEND);
    clock.advance(3000);
    await until('a heartbeat', () => frontend.received.at(-1)?.heartbeat === true);
    frontend.beat();
    clock.advance(3000);
    await until('another', () => frontend.received.filter(({ heartbeat }) => heartbeat).length >= 2);
    clock.advance(12_000);
    await until('the end', () => frontend.ended);
    assert.equal((await admin(plane).getStatus({})).dataPlanes, 0);
  });

  it('ends with the certificate it was opened with', async () => {
    const clock = new ManualClock();
    const plane = await planes.start({ clock, lifetimes: { workloadMs: 5000 } });
    const frontend = await connected(plane, FRONTEND);
    clock.advance(2500);
    frontend.beat();
    clock.advance(2500);
    await until('the end', () => frontend.ended);
    assert.equal(ConnectError.from(frontend.error).metadata.get('rampart-code'), 'INVALID_CERTIFICATE');
  });

  it('ends in order when the control plane stops', async () => {
    const plane = await planes.start();
    const frontend = await connected(plane, FRONTEND);
    await plane.stop();
    await until('the end', () => frontend.ended);
    assert.equal(ConnectError.from(frontend.error).code, Code.Unavailable);
  });

  it('is refused without a certificate', async () => {
    const plane = await planes.start();
    const stranger = new FakeDataPlane(client(plane)).connect();
    await until('the end', () => stranger.ended);
    assert.equal(ConnectError.from(stranger.error).code, Code.Unauthenticated);
  });

  it('is refused with a certificate of another mesh', async () => {
    const plane = await planes.start();
    const elsewhere = new TestPlanes();
    await elsewhere.open();
    try {
      const { credentials } = await attest(await elsewhere.start(), FRONTEND);
      const stranger = new FakeDataPlane(client(plane, credentials)).connect();
      await until('the end', () => stranger.ended);
      assert.equal(ConnectError.from(stranger.error).metadata.get('rampart-code'), 'INVALID_CERTIFICATE');
    } finally {
      await elsewhere.close();
    }
  });

  it('begins with a hello', async () => {
    const plane = await planes.start();
    const { credentials } = await attest(plane, FRONTEND);
    const rude = new FakeDataPlane(client(plane, credentials)).open();
    rude.beat();
    await until('the end', () => rude.ended);
    assert.equal(ConnectError.from(rude.error).code, Code.InvalidArgument);
  });
});
