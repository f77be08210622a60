import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { fromPem, parseCertificate } from '@rampart/spiffe';
import { AdminService } from '@rampart/wire';
import type { ControlPlane } from '../control-plane.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { TestPlanes } from '../testing/test-plane.ts';
import { attest, connectTo } from '../testing/workload-client.ts';

describe('the API port', () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  async function handshake(plane: ControlPlane, options: object = {}): Promise<TLSSocket> {
    const { port } = new URL(plane.addresses.api);
    const socket = connect({ host: '127.0.0.1', port: Number(port), ca: readFileSync(plane.caFile), ...options });
    await once(socket, 'secureConnect');
    return socket;
  }

  it('speaks TLS 1.3 with AES-256 first', async () => {
    const socket = await handshake(await planes.start());
    assert.equal(socket.getProtocol(), 'TLSv1.3');
    assert.equal(socket.getCipher().name, 'TLS_AES_256_GCM_SHA384');
    socket.destroy();
  });

  it('speaks nothing older', async () => {
    const plane = await planes.start();
    await assert.rejects(handshake(plane, { maxVersion: 'TLSv1.2' }));
    await assert.rejects(handshake(plane, { ciphers: 'ALL', minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }));
  });

  it('presents the identity of the control plane, for loopback under any of its names', async () => {
    const socket = await handshake(await planes.start(), { servername: 'localhost' });
    const parsed = parseCertificate(socket.getPeerX509Certificate()?.raw ?? new Uint8Array());
    assert.ok(parsed.ok);
    const { uriSans, dnsSans, ipSans } = parsed.value;
    assert.deepEqual([uriSans, dnsSans], [['spiffe://cluster.local/ns/istio-system/sa/rampart-server'], ['localhost']]);
    assert.ok(ipSans.includes('127.0.0.1'));
    socket.destroy();
  });

  it('gives nothing out by which a connection could skip its proof', async () => {
    const plane = await planes.start();
    const first = await handshake(plane);
    first.resume();
    first.end('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    await once(first, 'close');
    const session = first.getSession();
    const second = await handshake(plane, session === undefined ? {} : { session });
    assert.equal(second.isSessionReused(), false);
    second.destroy();
  });

  const PROTOCOLS: readonly (readonly [string, (options: Parameters<typeof createGrpcTransport>[0]) => Transport])[] = [
    ['gRPC', createGrpcTransport],
    ['gRPC-web', (options) => createGrpcWebTransport({ ...options, httpVersion: '2' })],
    ['Connect over HTTP/2', (options) => createConnectTransport({ ...options, httpVersion: '2' })],
    [
      'Connect with JSON over HTTP/1.1',
      ({ baseUrl, nodeOptions, interceptors = [] }) =>
        createConnectTransport({
          baseUrl,
          interceptors,
          httpVersion: '1.1',
          useBinaryFormat: false,
          nodeOptions: { ca: (nodeOptions as { ca: string }).ca },
        }),
    ],
  ];
  for (const [name, createTransport] of PROTOCOLS) {
    it(`serves ${name}`, async () => {
      const plane = await planes.start();
      const token = readFileSync(plane.adminTokenFile, 'utf8').trim();
      const transport = createTransport({
        baseUrl: plane.addresses.api,
        nodeOptions: { ca: readFileSync(plane.caFile, 'utf8') },
        interceptors: [
          (next) => (request) => {
            request.header.set('authorization', `Bearer ${token}`);
            return next(request);
          },
        ],
      });
      assert.equal((await createClient(AdminService, transport).getStatus({})).trustDomain, 'cluster.local');
    });
  }

  it('lets a certificate end on a connection that is up', async () => {
    const clock = new ManualClock();
    const plane = await planes.start({ clock, lifetimes: { workloadMs: 60_000 } });
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'orders' });
    const workload = connectTo(plane, { credentials });
    try {
      await workload.telemetry.report({ reporter: 'r', sequence: 1n });
      clock.advance(61_000);
      await assert.rejects(workload.telemetry.report({ reporter: 'r', sequence: 2n }), /ended at/);
    } finally {
      workload.close();
    }
  });

  it('takes a chain only whole', async () => {
    const plane = await planes.start();
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'orders' });
    assert.equal(fromPem(credentials.certificate).length, 2);
    const end = '-----END CERTIFICATE-----\n';
    const leaf = credentials.certificate.slice(0, credentials.certificate.indexOf(end) + end.length);
    const workload = connectTo(plane, { credentials: { ...credentials, certificate: leaf } });
    try {
      await assert.rejects(workload.telemetry.report({ reporter: 'r', sequence: 1n }), /does not lead to a root/);
    } finally {
      workload.close();
    }
  });
});
