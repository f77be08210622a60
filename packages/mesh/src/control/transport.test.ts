import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { TestCa } from '@rampart/testkit';

import { openChannel } from './transport.ts';
import type { ControlPlaneAddress } from './transport.ts';

const ROOT_NAMESPACE = 'istio-system';

describe('who answers as the control plane', () => {
  let ca: TestCa;
  const servers: Http2SecureServer[] = [];

  before(async () => {
    ca = await TestCa.create('cluster.local', Date.now());
  });
  after(() => {
    for (const server of servers) server.close();
  });

  async function ask(account: string, revocationOf?: ControlPlaneAddress['revocationOf']): Promise<string> {
    const { certPem, keyPem } = await ca.issue(Date.now(), { namespace: ROOT_NAMESPACE, serviceAccount: account });
    const server = createSecureServer({ cert: certPem, key: keyPem });
    servers.push(server);
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.end('well');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const url = new URL(`https://127.0.0.1:${port}`);
    const address = { url, roots: [ca.rootDer], rootNamespace: ROOT_NAMESPACE };
    const channel = openChannel(revocationOf === undefined ? address : { ...address, revocationOf }, undefined);
    try {
      return Buffer.from(await channel.unary('/a.Service/Method', new Uint8Array(), 5000)).toString();
    } finally {
      channel.close();
    }
  }

  it('has its SPIFFE ID', async () => assert.equal(await ask('rampart-server', () => undefined), 'well'));

  it('is no other workload of the mesh', async () => {
    await assert.rejects(ask('orders'), { code: 'UPSTREAM_IDENTITY_MISMATCH', message: /answered as .*sa\/orders/ });
  });

  it('has no certificate of an authority that was revoked', async () => {
    const revocationOf = ({ authorityKeyId = new Uint8Array() }: { authorityKeyId?: Uint8Array | undefined }): string =>
      authorityKeyId.length > 0 ? 'all that it signed' : '';
    await assert.rejects(ask('rampart-server', revocationOf), {
      code: 'UPSTREAM_IDENTITY_MISMATCH',
      message: /rampart-server with a certificate that is revoked \(all that it signed\)/,
    });
  });
});
