import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

import { COMPLETE, failure, formatTraceparent, isOfProgram } from '@rampart/mesh';
import type { Outbound, OutboundExchange, OutboundRecorder } from '@rampart/mesh';

import type { OutsideConnections } from './outside-connections.ts';
import type { DirectSockets } from './ruled/direct-sockets.ts';
import { announcedOn } from './ruled/announced-exchanges.ts';
import type { AnnouncedExchanges } from './ruled/announced-exchanges.ts';
import type { RuledRequests } from './ruled/ruled-requests.ts';
import { targetOf, targetOfFailure } from './socket-hook.ts';

/** The parts of undici's internal request that its diagnostics channels promise (undici docs, DiagnosticsChannel). */
interface UndiciRequest {
  readonly origin?: string | URL | null;
  readonly method: string;
  readonly path: string;
  readonly contentLength?: number | null;
  readonly body?: unknown;
  /** Protocol asked for; null or false without one. */
  readonly upgrade?: string | boolean | null;
  /** Names and values in turn; one text in undici before version 6. */
  readonly headers?: unknown[] | string;
  addHeader(name: string, value: string): unknown;
  [exchangeOf]?: OutboundExchange | undefined;
  [heldOf]?: OutboundExchange | undefined;
  [sentOn]?: Socket | undefined;
}

/** Followed here. */
const exchangeOf: unique symbol = Symbol('rampart.exchange');
/** Followed where rules are held. */
const heldOf: unique symbol = Symbol('rampart.held');
const sentOn: unique symbol = Symbol('rampart.socket');

export interface UndiciHookOptions {
  readonly outbound: Outbound;
  readonly recorder: OutboundRecorder;
  readonly ruled: RuledRequests;
  readonly direct: DirectSockets;
  readonly outside: OutsideConnections;
}

/** Records the requests of fetch and undici, both the one inside Node and any copy the application brings. */
export function hookUndici(hook: UndiciHookOptions): void {
  const { outbound, recorder, ruled, direct, outside } = hook;
  on('undici:request:create', ({ request }) => {
    const authority = outbound.authorityInMesh(request.origin);
    if (authority === undefined) return;
    const exchange = recorder.begin({ method: request.method, path: request.path, authority });
    if (ruled.concernOrigin(request.origin)) {
      request[heldOf] = exchange;
      return;
    }
    request[exchangeOf] = exchange;
    addTraceHeaders(request, exchange);
  });
  on('undici:client:sendHeaders', ({ request, socket }) => {
    const announced = socket === undefined ? undefined : announcedOn(socket);
    if (announced !== undefined) {
      handOver(request, announced);
      return;
    }
    const exchange = request[exchangeOf];
    if (exchange === undefined && socket !== undefined && outside.busy(socket)) request[sentOn] = socket;
    const target = socket === undefined ? undefined : targetOf(socket);
    if (exchange === undefined || socket === undefined || target === undefined) return;
    if (exchange.target === undefined) outbound.plane.picker.started(target.endpoint);
    exchange.target = target;
    request[sentOn] = socket;
    direct.busy(socket);
    if (request.upgrade != null && request.upgrade !== false) followUpgrade(request, socket, hook);
  });
  on('undici:request:bodyChunkSent', ({ request, chunk }) => {
    const exchange = request[exchangeOf];
    if (exchange !== undefined) exchange.bytesSent += chunk?.byteLength ?? 0;
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
    const exchange = finish(request, hook);
    if (exchange !== undefined) recorder.end(exchange, COMPLETE);
  });
  on('undici:request:error', ({ request, error }) => {
    const exchange = finish(request, hook);
    if (exchange === undefined) return;
    const connected = exchange.target !== undefined;
    exchange.target ??= targetOfFailure(error);
    recorder.end(exchange, failure(exchange, error, { byCaller: isOfProgram(error), connected }));
  });
}

/** Whether rules were about it when it was made or are only now: it is followed once. */
function handOver(request: UndiciRequest, announced: AnnouncedExchanges): void {
  announced.announce(request[heldOf] ?? request[exchangeOf]);
  // Should undici write it again, it is another request there.
  request[heldOf] = undefined;
  request[exchangeOf] = undefined;
}

/** A request that became something else ends with its connection: undici says nothing more about it. */
function followUpgrade(request: UndiciRequest, socket: Socket, hook: UndiciHookOptions): void {
  const { bytesWritten, bytesRead } = socket;
  socket.once('close', () => {
    const exchange = finish(request, hook);
    if (exchange === undefined) return;
    exchange.code = 101;
    exchange.bytesSent = socket.bytesWritten - bytesWritten;
    exchange.bytesReceived = socket.bytesRead - bytesRead;
    hook.recorder.end(exchange, COMPLETE);
  });
}

function finish(request: UndiciRequest, hook: UndiciHookOptions): OutboundExchange | undefined {
  const { outbound, direct, outside } = hook;
  const exchange = request[exchangeOf];
  const socket = request[sentOn];
  request[sentOn] = undefined;
  if (exchange === undefined) {
    if (socket !== undefined) outside.idle(socket);
    return undefined;
  }
  // Not deleted: an object that loses a property is slow from then on, for undici too.
  request[exchangeOf] = undefined;
  if (exchange.target !== undefined) outbound.plane.picker.finished(exchange.target.endpoint);
  if (socket !== undefined) direct.idle(socket);
  // undici before version 7 does not tell what it sent.
  if (exchange.bytesSent === 0) exchange.bytesSent = request.contentLength ?? sizeOf(request.body);
  return exchange;
}

interface UndiciMessage {
  readonly request: UndiciRequest;
  readonly socket?: Socket;
  readonly response?: { readonly statusCode: number };
  readonly chunk?: Uint8Array;
  readonly error?: unknown;
}

function on(channel: string, listener: (message: UndiciMessage) => void): void {
  // No function in between: it would be called for every step of every request.
  subscribe(channel, listener as (message: unknown) => void);
}

function addTraceHeaders(request: UndiciRequest, exchange: OutboundExchange): void {
  let requestId: string | undefined;
  let traceparent: string | undefined;
  const { headers } = request;
  if (Array.isArray(headers)) {
    for (let index = 0; index < headers.length; index += 2) {
      const name: unknown = headers[index];
      const value: unknown = headers[index + 1];
      if (typeof name !== 'string' || typeof value !== 'string') continue;
      if (isNamed(name, 'x-request-id')) requestId = value;
      else if (isNamed(name, 'traceparent')) traceparent = value;
      else if (isNamed(name, 'user-agent')) exchange.userAgent = value;
    }
  }
  exchange.adopt(requestId, traceparent);
  if (requestId === undefined && exchange.requestId !== '') addHeader(request, 'x-request-id', exchange.requestId);
  if (traceparent === undefined) addHeader(request, 'traceparent', formatTraceparent(exchange));
}

/** Straight into the list where there is one: `addHeader` looks at every character of what is known to be well-formed. */
function addHeader(request: UndiciRequest, name: string, value: string): void {
  if (Array.isArray(request.headers)) request.headers.push(name, value);
  else request.addHeader(name, value);
}

function isNamed(header: string, name: string): boolean {
  return header.length === name.length && header.toLowerCase() === name;
}

function sizeOf(body: unknown): number {
  return body instanceof Uint8Array ? body.byteLength : 0;
}
