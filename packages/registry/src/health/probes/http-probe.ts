import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { serviceHost } from '@rampart/core';
import type { HttpCheck } from '../check.ts';
import { withoutCheckSecrets } from '../check-secrets.ts';
import type { ProbeResult } from '../probe.ts';
import type { ProbeTarget } from './probe-connection.ts';

/** Beginning of a body that is kept. */
const MOST_BYTES = 4096;

/** One request over a connection that is up; Consul's verdict: 2xx is passing, 429 is warning, all else is critical. */
export async function probeHttp(socket: Socket, check: HttpCheck, target: ProbeTarget): Promise<ProbeResult> {
  const { instance, port, signal } = target;
  const { method = 'GET', path, headers = {} } = check;
  const name =
    instance.identity === '' ? instance.host : serviceHost({ name: instance.service, namespace: instance.namespace });
  const asked = request({
    createConnection: () => socket,
    method,
    path,
    headers: {
      'user-agent': 'rampart-health-check',
      accept: 'text/plain, text/*, */*',
      ...headers,
      host: `${name.includes(':') ? `[${name}]` : name}:${port}`,
      connection: 'close',
    },
    signal,
    setDefaultHeaders: false,
  });
  asked.end();
  const [answer] = (await once(asked, 'response', { signal })) as [IncomingMessage];
  const body = await beginning(answer);
  const status = answer.statusCode ?? 0;
  const output = `HTTP ${method} ${path}: ${status} ${answer.statusMessage ?? ''} Output: ${body.toString()}`;
  return { status: statusOf(status), output: withoutCheckSecrets(output, check) };
}

function statusOf(code: number): ProbeResult['status'] {
  if (code >= 200 && code <= 299) return 'passing';
  return code === 429 ? 'warning' : 'critical';
}

async function beginning(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MOST_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MOST_BYTES);
}
