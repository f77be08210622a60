import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { TestCa } from '@rampart/testkit';
import type { ControlPlane } from '../../control-plane.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { TestPlanes, until } from '../../testing/test-plane.ts';
import { connectAsAdmin } from '../../testing/workload-client.ts';

/** Stands for an authority of the public web. */
const ca = await TestCa.create('web.example', Date.now());

describe('the web door', () => {
  const planes = new TestPlanes();
  const others = new TestPlanes();
  beforeEach(() => Promise.all([planes.open(), others.open()]));
  afterEach(() => Promise.all([planes.close(), others.close()]));

  const files = (): { certificateFile: string; keyFile: string } => ({
    certificateFile: join(planes.dataDirectory, '..', 'web.crt'),
    keyFile: join(planes.dataDirectory, '..', 'web.key'),
  });

  /** Writes a certificate of the public web and gives its serial. */
  const certify = async (): Promise<string> => {
    const { certPem, keyPem, serial } = await ca.issueServer(Date.now(), { dnsNames: ['localhost'] });
    await mkdir(join(planes.dataDirectory, '..'), { recursive: true });
    await Promise.all([writeFile(files().certificateFile, certPem), writeFile(files().keyFile, keyPem)]);
    return serial;
  };

  const ask = (plane: ControlPlane, path: string): Promise<{ status: number; body: string; serial: string }> => {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string; serial: string }>();
    const { port } = new URL(plane.addresses.web ?? '');
    const call = get(`https://localhost:${port}${path}`, { ca: ca.rootPem, agent: false, family: 4 }, (response) => {
      const serial = (response.socket as TLSSocket).getPeerCertificate().serialNumber.toLowerCase();
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, serial }));
    });
    call.on('error', reject);
    return promise;
  };

  it('serves public documents and nothing else, to those who know the public web only', async () => {
    await certify();
    const plane = await planes.start({
      federation: { webDoor: { port: 0, ...files() } },
      jwt: { issuer: 'https://id.example.org' },
    });
    for (const path of ['/bundle', '/keys', '/.well-known/openid-configuration']) {
      assert.equal((await ask(plane, path)).status, 200, path);
    }
    for (const path of ['/', '/rampart.v1.AdminService/GetStatus', '/metrics']) {
      assert.equal((await ask(plane, path)).status, 404, path);
    }
  });

  it('takes a renewed certificate into use without a restart, and keeps the old one where the new one is broken', async () => {
    const clock = new ManualClock();
    const first = await certify();
    const plane = await planes.start({ clock, federation: { webDoor: { port: 0, ...files() } } });
    assert.equal((await ask(plane, '/bundle')).serial, first);
    await writeFile(files().certificateFile, 'half of it');
    clock.advance(60_000);
    assert.equal((await ask(plane, '/bundle')).serial, first);
    const second = await certify();
    await until('the renewed certificate', async () => {
      clock.advance(60_000);
      return (await ask(plane, '/bundle')).serial === second;
    });
  });

  it('does not open with files that are not there or not a pair', async () => {
    const webDoor = { port: 0, ...files() };
    await assert.rejects(planes.start({ federation: { webDoor } }), { code: 'INVALID_ARGUMENT', message: /web\.crt/ });
    await certify();
    const { keyPem } = await ca.issueServer(Date.now(), {});
    await writeFile(files().keyFile, keyPem);
    await assert.rejects(planes.start({ federation: { webDoor } }), { code: 'INVALID_ARGUMENT' });
  });

  it('is a bundle endpoint of the profile https_web for another control plane', async () => {
    await certify();
    const plane = await planes.start({
      trustDomain: 'partner.example',
      federation: { webDoor: { port: 0, ...files() } },
    });
    const other = await others.start({ federation: { webRoots: ca.rootPem } });
    const { admin, trust, close } = connectAsAdmin(other);
    const spec = {
      trustDomain: 'partner.example',
      bundleEndpointUrl: `https://localhost:${new URL(plane.addresses.web ?? '').port}/bundle`,
      bundleEndpointProfile: { type: 'https_web' },
    };
    const document = JSON.stringify({
      apiVersion: 'rampart.dev/v1',
      kind: 'FederatedTrustDomain',
      metadata: { name: 'home', namespace: 'istio-system' },
      spec,
    });
    assert.deepEqual((await admin.apply({ document, file: 'f' })).problems, []);
    await until('the bundle', async () => ((await trust.listTrustDomains({})).trustDomains[1]?.fetchedAt ?? 0n) > 0n);
    const { roots } = await trust.getTrustBundle({ trustDomain: 'partner.example' });
    assert.ok(
      roots.length > 0 &&
        readFileSync(plane.caFile, 'utf8').includes(
          Buffer.from(roots[0] ?? [])
            .toString('base64')
            .slice(0, 60),
        ),
    );
    close();
  });
});
