import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Metrics } from '../metrics.ts';
import { type ListenAddress, listen } from './listening.ts';

/** What orchestrators and Prometheus ask, over plain HTTP on loopback; nothing here tells a secret or changes anything. */
export interface OperationsServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface OperationsServerOptions extends ListenAddress {
  readonly metrics: Metrics;
  /** Whether calls are answered by now. */
  isReady(): boolean;
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export async function openOperationsServer(options: OperationsServerOptions): Promise<OperationsServer> {
  const server = createServer({ maxHeaderSize: 8 * 1024, requestTimeout: 10_000 }, (request, response) => {
    send(response, page(request, options));
  });
  const port = await listen(server, options);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function page(request: IncomingMessage, { metrics, isReady }: OperationsServerOptions): Page {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, type: 'text/plain', body: 'only GET and HEAD\n' };
  }
  switch (request.url?.split('?', 1)[0] ?? '') {
    case '/healthz':
      return { status: 200, type: 'text/plain', body: 'ok\n' };
    case '/readyz':
      return isReady()
        ? { status: 200, type: 'text/plain', body: 'ready\n' }
        : { status: 503, type: 'text/plain', body: 'not ready\n' };
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metrics.render() };
    default:
      return { status: 404, type: 'text/plain', body: 'try /healthz, /readyz or /metrics\n' };
  }
}

function send(response: ServerResponse, { status, type, body }: Page): void {
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' });
  response.end(body);
}
