import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../control-plane.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo, type Credentials } from '../testing/workload-client.ts';

const CHECK = { kind: { case: 'http', value: { scheme: 'https', path: '/health' } }, intervalMs: 1000n } as const;
const ORDERS = { namespace: 'default', serviceAccount: 'orders', service: 'orders' };

describe('a check over mutual TLS', () => {
  const planes = new TestPlanes();
  const servers: Server[] = [];
  /** SPIFFE IDs of those who asked. */
  const callers: string[] = [];
  let plane: ControlPlane;
  let operator: ApiClient;
  let orders: ApiClient;
  let own: Credentials;

  before(async () => {
    await planes.open();
    plane = await planes.start();
    own = (await attest(plane, ORDERS)).credentials;
    operator = planes.keep(connectAsAdmin(plane));
    orders = planes.keep(connectTo(plane, { credentials: own }));
  });
  after(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await planes.close();
  });

  async function serve({ certificate, key }: Credentials): Promise<number> {
    const ca = readFileSync(plane.caFile);
    const server = createServer({ cert: certificate, key, ca, requestCert: true }, (request, response) => {
      callers.push((request.socket as TLSSocket).getPeerCertificate().subjectaltname?.split(',')[0] ?? '');
      response.end('fine');
    });
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  async function checked(instanceId: string, port: number): Promise<readonly [health: string, output: string]> {
    const instance = { ...ORDERS, instanceId, host: '127.0.0.1', port, checks: [CHECK], leaseMs: 60_000n };
    const { namespace, service, ...rest } = instance;
    const { serviceAccount: _, ...values } = rest;
    await orders.registry.register({ instance: { ...values, namespace, service } });
    const state = async (): Promise<readonly [string, string]> => {
      const { instances } = await operator.registry.find({ namespace, service });
      const found = instances.find((one) => one.instanceId === instanceId);
      return [found?.health ?? '', found?.checks[0]?.output ?? ''];
    };
    await until('the first run', async () => (await state())[1] !== '');
    return state();
  }

  it('passes when the instance proves its identity, and shows it that of the control plane', async () => {
    assert.deepEqual(await checked('own', await serve(own)), ['passing', 'HTTP GET /health: 200 OK Output: fine']);
    assert.deepEqual(callers, ['URI:spiffe://cluster.local/ns/istio-system/sa/rampart-server']);
  });

  it('is critical when somebody else of the mesh answers, who is sent nothing', async () => {
    const other = await attest(plane, { ...ORDERS, serviceAccount: 'other', service: 'other' });
    const asked = callers.length;
    const [health, output] = await checked('taken', await serve(other.credentials));
    assert.equal(health, 'critical');
    assert.match(output, /answered as spiffe:\/\/cluster.local\/ns\/default\/sa\/other, not as .*\/sa\/orders/);
    assert.equal(callers.length, asked);
  });
});
