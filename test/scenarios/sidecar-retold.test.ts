import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { SidecarProcess } from '../harness/sidecar.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

describe('what an application behind a sidecar is sent', () => {
  /** What came of one request, byte for byte. */
  let received = '';
  const app = net.createServer((socket) => {
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const isChunked = received.includes('transfer-encoding: chunked');
      if (isChunked ? /\r\n0\r\n(?:.+\r\n)*\r\n$/.test(received) : received.endsWith('\r\n\r\n')) socket.write(ANSWER);
    });
    socket.on('error', () => undefined);
  });
  let plane: ControlPlaneProcess;
  let sidecar: SidecarProcess;

  before(async () => {
    await once(app.listen(0, '127.0.0.1'), 'listening');
    plane = await ControlPlaneProcess.start();
    const port = String((app.address() as AddressInfo).port);
    sidecar = await SidecarProcess.start(plane, { serviceAccount: 'old', service: 'old', args: ['--app-port', port] });
  });

  after(async () => {
    await sidecar.stop();
    app.close();
    await plane.stop();
  });

  async function sent(request: string): Promise<string> {
    received = '';
    const socket = net.connect(sidecar.announcement.meshPort ?? 0, '127.0.0.1');
    socket.write(request);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
    return received;
  }

  it('a request of HTTP/1.0 without a Host has one in HTTP/1.1 (RFC 9112 §3.2)', async () => {
    const text = await sent('GET /old HTTP/1.0\r\n\r\n');
    assert.match(text, /^GET \/old HTTP\/1\.1\r\n/);
    const { port } = app.address() as AddressInfo;
    assert.match(text, new RegExp(`^host: 127\\.0\\.0\\.1:${port}\r$`, 'm'));
  });

  it('trailers say nothing of a caller, nor anew what the headers say', async () => {
    const head = 'POST /trailers HTTP/1.1\r\nHost: old\r\nX-Role: user\r\nTransfer-Encoding: chunked\r\n\r\n';
    const forged = [
      'X-Forwarded-Client-Cert: URI=a',
      'x_forwarded_client_cert: URI=b',
      'X-Role: admin',
      'Traceparent: t',
    ];
    const text = await sent(`${head}1\r\nx\r\n0\r\n${forged.join('\r\n')}\r\nDigest: d\r\n\r\n`);
    assert.match(text, /\r\n\r\n1\r\nx\r\n0\r\nDigest: d\r\n\r\n$/);
  });
});
