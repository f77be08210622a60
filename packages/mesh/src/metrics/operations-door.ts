import { EventEmitter } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { RampartError } from '@rampart/core';

import { CONTENT_TYPE } from './families.ts';

/** What Prometheus and orchestrators ask a data plane, over plain HTTP; nothing here tells a secret or changes anything. */
export interface OperationsDoor {
  readonly port: number;
  close(): void;
}

export interface OperationsDoorOptions {
  readonly host: string;
  /** 0 takes any. */
  readonly port: number;
  /** The text of `/metrics`. */
  metrics(): string | Promise<string>;
  /** Whether requests are judged by policies by now. */
  isReady(): boolean;
}

interface Page {
  readonly status: '200 OK' | '404 Not Found' | '405 Method Not Allowed' | '503 Service Unavailable';
  readonly type: string;
  readonly body: string;
}

const PLAIN = 'text/plain; charset=utf-8';
const LONGEST_REQUEST = 8192;
const PATIENCE_MS = 10_000;
const MOST_CALLERS = 64;
const HEAD_END = '\r\n\r\n';

/**
 * Opens the door. One request a connection, answered without `node:http`: that module is loaded into no proxy, and its
 * servers are the mesh's business in a service. @throws RampartError PORT_IN_USE, INVALID_ARGUMENT
 */
export function openOperationsDoor(options: OperationsDoorOptions): Promise<OperationsDoor> {
  const callers = new Set<Socket>();
  const server = createServer((socket) => {
    callers.add(socket);
    socket.once('close', () => callers.delete(socket));
    serve(socket, options);
  });
  server.maxConnections = MOST_CALLERS;
  // Where a data plane lives in a service, it hears of servers by their `emit`: this one is not the service's.
  Object.defineProperty(server, 'emit', { value: EventEmitter.prototype.emit });
  const close = (): void => {
    server.close();
    for (const socket of callers) socket.destroy();
  };
  return listening(server, options).then((port) => ({ port, close }));
}

function listening(server: Server, { host, port }: OperationsDoorOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === 'EADDRINUSE';
      const what = isTaken ? `port ${port} of ${host} is in use` : `cannot listen on ${host}:${port}: ${cause.message}`;
      reject(new RampartError(isTaken ? 'PORT_IN_USE' : 'INVALID_ARGUMENT', `metrics: ${what}`, { cause }));
    });
    server.listen({ host, port }, () => {
      server.unref();
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function serve(socket: Socket, options: OperationsDoorOptions): void {
  let text = '';
  socket.setEncoding('latin1').setTimeout(PATIENCE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  const read = (chunk: string): void => {
    text += chunk;
    if (text.length > LONGEST_REQUEST) socket.destroy();
    if (!text.includes(HEAD_END)) return;
    socket.off('data', read).resume();
    // Whoever asks for metrics must not be able to end the service that they are of.
    answer(socket, text, options).catch(() => socket.destroy());
  };
  socket.on('data', read);
}

async function answer(socket: Socket, request: string, options: OperationsDoorOptions): Promise<void> {
  // No two parts of it match the same text: a long path would hold the process up.
  const [, method = '', path = ''] = /^([A-Z]+) ([^\s?]*)(?:\?\S*)? HTTP\/1\.[01]\r\n/.exec(request) ?? [];
  const { status, type, body } = await pageOf(method, path, options);
  const head = `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-content-type-options: nosniff\r\nconnection: close${HEAD_END}`;
  socket.end(method === 'HEAD' ? head : head + body, 'utf8');
}

async function pageOf(method: string, path: string, { metrics, isReady }: OperationsDoorOptions): Promise<Page> {
  if (method !== 'GET' && method !== 'HEAD')
    return { status: '405 Method Not Allowed', type: PLAIN, body: 'only GET and HEAD\n' };
  switch (path) {
    case '/healthz':
      return { status: '200 OK', type: PLAIN, body: 'ok\n' };
    // The second is what Istio's sidecars are asked.
    case '/readyz':
    case '/healthz/ready':
      return isReady()
        ? { status: '200 OK', type: PLAIN, body: 'ready\n' }
        : { status: '503 Service Unavailable', type: PLAIN, body: 'not ready\n' };
    case '/metrics':
      return { status: '200 OK', type: CONTENT_TYPE, body: await metrics() };
    default:
      return { status: '404 Not Found', type: PLAIN, body: 'try /healthz, /healthz/ready or /metrics\n' };
  }
}
