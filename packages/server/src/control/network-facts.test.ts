import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ControlPlane } from '../control-plane.ts';
import { FakeDataPlane, type HelloOptions } from '../testing/fake-data-plane.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo, type WorkloadOptions } from '../testing/workload-client.ts';

const BACKEND: WorkloadOptions = { namespace: 'default', serviceAccount: 'backend', labels: { app: 'backend' } };
const FRONTEND: WorkloadOptions = { namespace: 'web', serviceAccount: 'frontend', labels: { app: 'frontend' } };
const BACKEND_ID = 'spiffe://cluster.local/ns/default/sa/backend';
const FRONTEND_ID = 'spiffe://cluster.local/ns/web/sa/frontend';

function networkPolicy(namespace: string, app: string): string {
  return `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: segment, namespace: ${namespace} }\nspec: { podSelector: { matchLabels: { app: ${app} } } }\n`;
}

function namespaceResource(name: string, labels: string): string {
  return `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name}, labels: { ${labels} } }\n`;
}

describe('what data planes are told of their peers', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let admin: ApiClient['admin'];

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
    const operator = planes.keep(connectAsAdmin(plane));
    ({ admin } = operator);
  });
  afterEach(() => planes.close());

  type Attested = Awaited<ReturnType<typeof attest>>;

  async function connect({ credentials }: Attested, hello?: HelloOptions): Promise<FakeDataPlane> {
    const client = planes.keep(connectTo(plane, { credentials }));
    const opened = new FakeDataPlane(client).connect(hello);
    await until('the first message', () => opened.received.length > 0);
    return opened;
  }

  const join = async (workload: WorkloadOptions): Promise<FakeDataPlane> => connect(await attest(plane, workload));

  it('is nothing while no NetworkPolicy is about them', async () => {
    const frontend = await join(FRONTEND);
    await admin.apply({ document: namespaceResource('web', 'env: production') });
    const { revision } = await admin.apply({ document: networkPolicy('web', 'somebody-else') });
    await until('the policy', () => frontend.revision >= Number(revision));
    await join(BACKEND);
    assert.equal(frontend.peers, undefined);
    assert.equal(frontend.namespaces.size, 0);
  });

  it('is everybody with a certificate, and every namespace, in the message that brings the policy', async () => {
    await attest(plane, FRONTEND);
    const backend = await join(BACKEND);
    await admin.apply({ document: namespaceResource('web', 'env: production') });
    await admin.apply({ document: networkPolicy('default', 'backend') });
    await until('the policy', () => backend.resources.size > 0);
    assert.deepEqual(backend.peers?.get(FRONTEND_ID), [[{ app: 'frontend' }, []]]);
    assert.deepEqual(backend.peers.get(BACKEND_ID), [[{ app: 'backend' }, []]]);
    assert.deepEqual([...backend.namespaces], [['web', { env: 'production' }]]);
    assert.deepEqual([...backend.resources.keys()], ['NetworkPolicy/default/segment'], 'nobody enforces a Namespace');
  });

  it('is there from the first message on where the policy was there before', async () => {
    await admin.apply({ document: networkPolicy('default', 'backend') });
    const backend = await join(BACKEND);
    assert.deepEqual([...(backend.peers?.keys() ?? [])], [BACKEND_ID]);
  });

  it('goes on with what changes: newcomers, differences, revocations, namespaces', async () => {
    await admin.apply({ document: networkPolicy('default', 'backend') });
    const backend = await join(BACKEND);
    const first = await attest(plane, FRONTEND);
    await until('the newcomer', () => backend.peers?.has(FRONTEND_ID) === true);
    assert.equal(backend.received.at(-1)?.reset, false);
    assert.equal(backend.received.at(-1)?.network?.reset, false);
    await attest(plane, { ...FRONTEND, labels: { app: 'canary' } });
    await until('both variants', () => backend.peers?.get(FRONTEND_ID)?.length === 2);
    const serials = backend.peers?.get(FRONTEND_ID)?.map(([, certificates]) => certificates.length);
    assert.deepEqual(serials, [1, 1]);
    const canary = backend.peers?.get(FRONTEND_ID)?.find(([labels]) => labels['app'] === 'canary')?.[1][0] ?? '';
    await admin.revokeCertificate({ serial: canary, reason: 'test' });
    await until('the difference to go', () => backend.peers?.get(FRONTEND_ID)?.length === 1);
    assert.deepEqual(backend.peers?.get(FRONTEND_ID), [[{ app: 'frontend' }, []]]);
    assert.ok(first.response.chain.length > 0);
    await admin.apply({ document: namespaceResource('web', 'env: production') });
    await until('the namespace', () => backend.namespaces.has('web'));
    await admin.apply({ document: namespaceResource('web', 'env: test') });
    await until('its new labels', () => backend.namespaces.get('web')?.['env'] === 'test');
    await admin.deleteResource({ kind: 'Namespace', namespace: '', name: 'web' });
    await until('its end', () => !backend.namespaces.has('web'));
  });

  it('comes whole to a data plane that connects again, and to one that is selected again', async () => {
    await admin.apply({ document: networkPolicy('default', 'backend') });
    const attested = await attest(plane, BACKEND);
    const first = await connect(attested);
    first.kill();
    await attest(plane, FRONTEND);
    const second = await connect(attested, { revision: first.revision });
    assert.equal(second.received[0]?.reset, false);
    assert.ok(second.peers?.has(FRONTEND_ID));
    await admin.deleteResource({ kind: 'NetworkPolicy', namespace: 'default', name: 'segment' });
    await until('the end of the policy', () =>
      second.received.some(({ resources }) => resources[0]?.json.length === 0),
    );
    await attest(plane, { ...FRONTEND, serviceAccount: 'later' });
    await admin.apply({ document: networkPolicy('default', 'backend') });
    await until('the policy', () => second.resources.size > 0);
    assert.ok(second.peers?.has('spiffe://cluster.local/ns/web/sa/later'));
  });

  it('survives a restart of the control plane, whoever is connected by then', async () => {
    await admin.apply({ document: networkPolicy('default', 'backend') });
    const attested = await attest(plane, BACKEND);
    await attest(plane, FRONTEND);
    await plane.stop();
    plane = await planes.start();
    const backend = await connect(attested);
    assert.deepEqual(backend.peers?.get(FRONTEND_ID), [[{ app: 'frontend' }, []]]);
  });
});
