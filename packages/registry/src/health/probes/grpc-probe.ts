import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { ProbeResult } from '../probe.ts';

/** Names of `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const MOST_BYTES = 1024;

/**
 * One `grpc.health.v1.Health/Check` over a connection that is up
 * (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). Both messages have one field, so they are written and
 * read here: string service = 1, and enum status = 1.
 */
export async function probeGrpc(socket: Socket, service: string, signal: AbortSignal): Promise<ProbeResult> {
  const session = connect('http://health-check', { createConnection: () => socket });
  session.on('error', () => undefined);
  const abort = (): void => session.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc+proto',
      te: 'trailers',
      'user-agent': 'rampart-health-check',
    });
    stream.on('error', () => undefined);
    let grpcStatus = '';
    const take = (headers: IncomingHttpHeaders): void => {
      grpcStatus = String(headers['grpc-status'] ?? grpcStatus);
    };
    stream.on('response', take);
    stream.on('trailers', take);
    const ended = once(stream, 'close', { signal });
    const body: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      if (body.reduce((sum, { length }) => sum + length, 0) < MOST_BYTES) body.push(chunk);
    });
    stream.end(frameOf(service));
    await ended;
    return resultOf(grpcStatus, Buffer.concat(body), service);
  } finally {
    signal.removeEventListener('abort', abort);
    session.destroy();
  }
}

function resultOf(grpcStatus: string, body: Buffer, service: string): ProbeResult {
  const what = `gRPC health of ${service === '' ? 'the server' : service}`;
  if (grpcStatus !== '0') return { status: 'critical', output: `${what}: gRPC status ${grpcStatus || 'missing'}` };
  // Frame: one byte of flags, four of length; then tag 0x08 and a varint, or nothing for 0.
  const status = body.length >= 7 && body[5] === 0x08 ? (body[6] ?? 0) : 0;
  const name = STATUSES[status] ?? String(status);
  return { status: name === 'SERVING' ? 'passing' : 'critical', output: `${what}: ${name}` };
}

function frameOf(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function varint(value: number): Buffer {
  return Buffer.from(value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7]);
}
