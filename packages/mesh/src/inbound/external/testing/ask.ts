import { connect } from 'node:net';
import type { Socket } from 'node:net';

import type { Clock, ExtAuthzProvider } from '@rampart/core';

import type { AuthorizerCall, HttpCall } from '../call.ts';
import { ExternalAuthorizer } from '../external-authorizer.ts';
import type { AuthorizerAnswer } from '../external-authorizer.ts';
import type { ConnectToAuthorizer } from '../transport.ts';

export const clock: Clock = {
  now: () => 1_790_000_000_123,
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return { cancel: () => clearTimeout(timer) };
  },
};

export function providerAt(port: number, settings: Partial<ExtAuthzProvider> = {}): ExtAuthzProvider {
  return {
    name: 'sample-ext-authz',
    transport: 'http',
    service: 'ext-authz.default.svc.cluster.local',
    port,
    timeoutMs: 5000,
    failOpen: false,
    statusOnError: 403,
    ...settings,
  };
}

/** What a test asks about. */
export interface Asked extends Partial<Omit<HttpCall, 'peekBody'>> {
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly tcp?: boolean;
}

/** A call as a data plane describes it; `body` comes whole. */
export function callOf(asked: Asked = {}): AuthorizerCall {
  const { body, signal, tcp, ...http } = asked;
  const bytes = Buffer.from(body ?? '');
  return {
    source: { principal: 'spiffe://cluster.local/ns/web/sa/frontend', address: '10.0.0.7', port: 41_000 },
    destination: { principal: 'spiffe://cluster.local/ns/default/sa/orders-api', address: '10.0.0.9', port: 8080 },
    http:
      tcp === true
        ? undefined
        : {
            requestId: '7e6a1c1e-0f3d-4f7e-9a53-5b2f0d9a1b2c',
            method: 'GET',
            target: '/orders?limit=2',
            host: 'orders-api',
            scheme: 'http',
            protocol: 'HTTP/1.1',
            startedAt: 1_790_000_000_123,
            rawHeaders: [],
            peekBody:
              body === undefined
                ? undefined
                : (limit) => Promise.resolve({ bytes: bytes.subarray(0, limit), complete: bytes.length <= limit }),
            ...http,
          },
    signal: signal ?? new AbortController().signal,
  };
}

/** Connects to this host whatever the service is called, and counts. */
export class Connections {
  opened = 0;
  readonly sockets: Set<Socket> = new Set();
  readonly connect: ConnectToAuthorizer = (_service, port): Socket => {
    this.opened += 1;
    const socket = connect({ host: '127.0.0.1', port });
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  };
}

export interface Asking {
  readonly authorizer: ExternalAuthorizer;
  readonly connections: Connections;
  ask(provider: ExtAuthzProvider, asked?: Asked): Promise<AuthorizerAnswer>;
}

export function startAsking(): Asking {
  const connections = new Connections();
  const authorizer = new ExternalAuthorizer({ connect: connections.connect, clock });
  return {
    authorizer,
    connections,
    ask: (provider, asked) =>
      authorizer.ask({ kind: 'ask', provider, policy: 'default/ext-authz', rule: 0 }, callOf(asked)),
  };
}
