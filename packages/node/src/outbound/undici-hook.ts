import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

import { adoptHeaders, formatTraceparent } from '@rampart/mesh';

import type { Outbound } from './call.ts';
import type { OutboundExchange, OutboundRecorder } from './exchange.ts';
import { COMPLETE, failure, isOfProgram } from './ending.ts';
import { targetOf, targetOfFailure } from './socket-hook.ts';

/** The parts of undici's internal request that its diagnostics channels promise (undici docs, DiagnosticsChannel). */
interface UndiciRequest {
  readonly origin?: string | URL | null;
  readonly method: string;
  readonly path: string;
  readonly contentLength?: number | null;
  /** Protocol asked for; null or false without one. */
  readonly upgrade?: string | boolean | null;
  /** Names and values in turn; one text in undici before version 6. */
  readonly headers?: readonly unknown[] | string;
  addHeader(name: string, value: string): unknown;
  [exchangeOf]?: OutboundExchange;
}

const exchangeOf: unique symbol = Symbol('rampart.exchange');

/** Records the requests of fetch and undici, both the one inside Node and any copy the application brings. */
export function hookUndici(outbound: Outbound, recorder: OutboundRecorder): void {
  const hosts = new Map<string, string>();
  const hostOf = (origin: string): string => {
    let host = hosts.get(origin);
    if (host === undefined) {
      host = URL.canParse(origin) ? new URL(origin).host : '';
      if (hosts.size > 1000) hosts.clear();
      hosts.set(origin, host);
    }
    return host;
  };
  on('undici:request:create', ({ request }) => {
    const origin = request.origin == null ? '' : String(request.origin);
    const authority = hostOf(origin);
    if (authority === '' || !outbound.concerns(hostnameOf(authority))) return;
    const exchange = recorder.begin({ method: request.method, path: request.path, authority });
    request[exchangeOf] = exchange;
    const requestId = headerOf(request, 'x-request-id');
    const traceparent = headerOf(request, 'traceparent');
    if (requestId !== undefined || traceparent !== undefined) {
      exchange.trace = adoptHeaders(exchange.trace, requestId, traceparent);
    }
    if (requestId === undefined) request.addHeader('x-request-id', exchange.trace.requestId);
    if (traceparent === undefined) request.addHeader('traceparent', formatTraceparent(exchange.trace));
    exchange.userAgent = headerOf(request, 'user-agent') ?? '';
  });
  on('undici:client:sendHeaders', ({ request, socket }) => {
    const exchange = request[exchangeOf];
    const target = socket === undefined ? undefined : targetOf(socket);
    if (exchange === undefined || socket === undefined || target === undefined) return;
    if (exchange.target === undefined) outbound.plane.picker.started(target.endpoint);
    exchange.target = target;
    if (request.upgrade != null && request.upgrade !== false) followUpgrade(request, socket);
  });
  on('undici:request:headers', ({ request, response }) => {
    const exchange = request[exchangeOf];
    if (exchange !== undefined) exchange.code = response?.statusCode ?? 0;
  });
  on('undici:request:bodyChunkReceived', ({ request, chunk }) => {
    const exchange = request[exchangeOf];
    if (exchange !== undefined) exchange.bytesReceived += chunk?.byteLength ?? 0;
  });
  on('undici:request:trailers', ({ request }) => {
    const exchange = finish(request);
    if (exchange !== undefined) recorder.end(exchange, COMPLETE);
  });
  on('undici:request:error', ({ request, error }) => {
    const exchange = finish(request);
    if (exchange === undefined) return;
    const connected = exchange.target !== undefined;
    exchange.target ??= targetOfFailure(error);
    recorder.end(exchange, failure(exchange, error, { byCaller: isOfProgram(error), connected }));
  });

  /** A request that became something else ends with its connection: undici says nothing more about it. */
  function followUpgrade(request: UndiciRequest, socket: Socket): void {
    const { bytesWritten, bytesRead } = socket;
    socket.once('close', () => {
      const exchange = finish(request);
      if (exchange === undefined) return;
      exchange.code = 101;
      exchange.bytesSent = socket.bytesWritten - bytesWritten;
      exchange.bytesReceived = socket.bytesRead - bytesRead;
      recorder.end(exchange, COMPLETE);
    });
  }

  function finish(request: UndiciRequest): OutboundExchange | undefined {
    const exchange = request[exchangeOf];
    if (exchange === undefined) return undefined;
    delete request[exchangeOf];
    if (exchange.target !== undefined) outbound.plane.picker.finished(exchange.target.endpoint);
    exchange.bytesSent = request.contentLength ?? 0;
    return exchange;
  }
}

interface UndiciMessage {
  readonly request: UndiciRequest;
  readonly socket?: Socket;
  readonly response?: { readonly statusCode: number };
  readonly chunk?: Uint8Array;
  readonly error?: unknown;
}

function on(channel: string, listener: (message: UndiciMessage) => void): void {
  subscribe(channel, (message) => listener(message as UndiciMessage));
}

function headerOf({ headers }: UndiciRequest, name: string): string | undefined {
  if (!Array.isArray(headers)) return undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const key: unknown = headers[index];
    if (typeof key !== 'string' || key.length !== name.length || key.toLowerCase() !== name) continue;
    const value: unknown = headers[index + 1];
    return typeof value === 'string' ? value : undefined;
  }
  return undefined;
}

function hostnameOf(authority: string): string {
  const port = authority.lastIndexOf(':');
  return port === -1 ? authority : authority.slice(0, port);
}
