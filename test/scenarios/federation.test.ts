import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, get, request } from 'node:https';
import { after, before, describe, it } from 'node:test';

import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { createCsr, generateKeyPair, toPem } from '@rampart/spiffe';
import { until } from '@rampart/testkit';
import { IdentityService } from '@rampart/wire';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

const PARTNER = 'partner.example';
const POLICY = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: partner, namespace: default }
spec:
  selector: { matchLabels: { app: orders } }
  rules:
    - from: [{ source: { principals: ["${PARTNER}/ns/shop/sa/web"] } }]
`;

describe('a workload of a federated trust domain', () => {
  let home: ControlPlaneProcess;
  let partner: ControlPlaneProcess;
  let orders: Workload;
  let port = 0;
  const agents: Agent[] = [];

  before(async () => {
    [home, partner] = await Promise.all([
      ControlPlaneProcess.start(),
      ControlPlaneProcess.start({ trustDomain: PARTNER }),
    ]);
    await home.apply(`${STRICT}---\n${POLICY}`);
    orders = await Workload.start(home, { script: 'echo.mjs', serviceAccount: 'orders', service: 'orders' });
    await until('orders to be registered', async () => (port = (await home.portsOf('orders'))[0] ?? 0) > 0);
  });

  after(async () => {
    for (const agent of agents) agent.destroy();
    await orders.kill();
    await Promise.all([home.stop(), partner.stop()]);
  });

  /** A client of the partner as any program with an SVID of its own would be; keeps its connection. */
  async function joinPartner(serviceAccount: string): Promise<Agent> {
    const workload = { namespace: 'shop', serviceAccount, service: '', labels: {} };
    const { token } = await partner.admin.createJoinToken({ workload });
    const ca = readFileSync(partner.caFile);
    const transport = createConnectTransport({ baseUrl: partner.address, httpVersion: '1.1', nodeOptions: { ca } });
    const keyPair = generateKeyPair();
    const { chain } = await createClient(IdentityService, transport).attest({
      evidence: { case: 'joinToken', value: token },
      csr: createCsr(keyPair),
    });
    const agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      cert: chain.map((der) => toPem(der)).join(''),
      key: keyPair.privateKeyPem(),
      ca: readFileSync(home.caFile),
      checkServerIdentity: () => undefined,
    });
    agents.push(agent);
    return agent;
  }

  /** Status, or the code of the failure; and who the service was told called it. */
  function call(agent: Agent): Promise<{ readonly status: number | string; readonly caller: string }> {
    const { promise, resolve } = Promise.withResolvers<{ status: number | string; caller: string }>();
    const options = { agent, host: '127.0.0.1', port, path: '/', headers: { host: 'orders.default.svc' } };
    const outgoing = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const headers =
          response.statusCode === 200 ? (JSON.parse(text) as { headers: Record<string, string> }).headers : {};
        resolve({ status: response.statusCode ?? 0, caller: headers['x-forwarded-client-cert'] ?? '' });
      });
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ status: error.code ?? error.message, caller: '' }),
    );
    outgoing.end();
    return promise;
  }

  function bundleOf(plane: ControlPlaneProcess): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    get(`${plane.address}/bundle`, { ca: readFileSync(plane.caFile), agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
    return promise;
  }

  it('is a stranger before, known by its own name while, and a stranger again after the relationship', async () => {
    const [web, batch] = [await joinPartner('web'), await joinPartner('batch')];
    assert.equal(typeof (await call(web)).status, 'string', 'the handshake is refused');
    const relationship = {
      apiVersion: 'rampart.dev/v1',
      kind: 'FederatedTrustDomain',
      metadata: { name: 'partner' },
      spec: {
        trustDomain: PARTNER,
        bundleEndpointUrl: `${partner.address}/bundle`,
        bundleEndpointProfile: {
          type: 'https_spiffe',
          endpointSpiffeId: `spiffe://${PARTNER}/ns/istio-system/sa/rampart-server`,
        },
        trustDomainBundle: await bundleOf(partner),
      },
    };
    await home.apply(JSON.stringify(relationship));
    await until('the partner to be let in', async () => (await call(web)).status === 200);
    assert.match((await call(web)).caller, /URI=spiffe:\/\/partner\.example\/ns\/shop\/sa\/web/);
    assert.equal((await call(batch)).status, 403, 'let in by TLS, allowed nothing by policy');
    await until('the record', async () =>
      (await home.records()).some(
        ({ source_principal: who, response_code: code }) =>
          who === `spiffe://${PARTNER}/ns/shop/sa/web` && code === 200,
      ),
    );
    await home.admin.deleteResource({ kind: 'FederatedTrustDomain', name: 'partner' });
    await until(
      'the connection to be closed and no other let in',
      async () => typeof (await call(web)).status === 'string',
    );
    assert.equal(typeof (await call(batch)).status, 'string');
  });
});
