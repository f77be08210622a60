import { createServer } from 'node:http2';
import type { Http2Server, ServerHttp2Session } from 'node:http2';

import { Code, ConnectError, createContextKey, createContextValues } from '@connectrpc/connect';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { MeshLog } from '@rampart/mesh';
import { withReadableStatus } from '@rampart/wire/grpc-status';

import { peerCredentials } from '../workload/peer-credentials.ts';
import type { SelectorSources } from '../workload/selectors.ts';
import type { CallLimits } from './call-limits.ts';
import { Caller } from './caller.ts';
import { listenOnSocketFile } from './socket-file.ts';
import type { SocketFile } from './socket-file.ts';

export interface EndpointOptions {
  readonly path: string;
  readonly userId: number;
  readonly sources: SelectorSources;
  readonly limits: CallLimits;
  readonly log: MeshLog;
  routes(router: ConnectRouter): void;
  /** Refuses a call before anything of its message is read. @throws ConnectError */
  gate(context: HandlerContext): void;
}

const MOST_CONNECTIONS = 4_096;
/** Of one connection; a client opens one for each kind of what it follows. */
const MOST_STREAMS = 100;
const LARGEST_MESSAGE_BYTES: number = 256 * 1024;
const NO_SUCH_METHOD = {
  ':status': 200,
  'content-type': 'application/grpc+proto',
  'grpc-status': '12',
  'grpc-message': 'there is no such method here',
};

const callerKey = createContextKey<Caller | undefined>(undefined, { description: 'caller' });

/** gRPC over cleartext HTTP/2 on a Unix socket (SPIFFE_Workload_Endpoint.md §3 and §4). */
export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #callers = new WeakMap<object, Caller>();
  readonly #shutdown = new AbortController();
  #file: SocketFile | undefined;

  constructor(options: EndpointOptions) {
    this.#options = options;
    const handler = connectNodeAdapter({
      routes: (router) => options.routes(router),
      grpc: true,
      grpcWeb: false,
      connect: false,
      readMaxBytes: LARGEST_MESSAGE_BYTES,
      shutdownSignal: this.#shutdown.signal,
      requestGate: (context) => this.#gate(context),
      contextValues: (request) => {
        const values = createContextValues();
        const session = 'stream' in request ? request.stream.session : undefined;
        values.set(callerKey, session === undefined ? undefined : this.#callers.get(session));
        return values;
      },
      fallback: (_request, response) => {
        // All in one frame of headers, which is how gRPC knows an answer without messages.
        if ('stream' in response) response.stream.respond(NO_SUCH_METHOD, { endStream: true });
      },
    });
    this.#server = createServer({ settings: { maxConcurrentStreams: MOST_STREAMS } }, (request, response) => {
      // Clients make up all kinds of names for a socket, some of which no URL can hold.
      request.headers[':authority'] = 'localhost';
      const addTrailers = response.addTrailers.bind(response);
      response.addTrailers = (trailers) => addTrailers(withReadableStatus(trailers));
      handler(request, response);
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.on('session', (session) => this.#meet(session));
    this.#server.on('sessionError', (cause: Error) => options.log.debug('a connection broke', { cause }));
    this.#server.on('error', (cause: Error) => options.log.error('the socket failed', { cause }));
  }

  /** @throws RampartError as `listenOnSocketFile` does. */
  async listen(): Promise<void> {
    const { path, userId } = this.#options;
    this.#file = await listenOnSocketFile(this.#server, path, userId);
  }

  /** Ends what runs for this reason, then the connections. */
  async close(reason: ConnectError): Promise<void> {
    await this.#file?.remove();
    this.#shutdown.abort(reason);
    this.#server.close();
    await Promise.all([...this.#sessions].map(closed));
  }

  #meet(session: ServerHttp2Session): void {
    session.on('error', () => undefined);
    // What Node hands out here stands for the socket itself, and knows its handle.
    const credentials = peerCredentials(session.socket);
    const leave = credentials.ok ? this.#options.limits.connect(credentials.value) : () => undefined;
    if (leave === undefined) {
      session.destroy();
      return;
    }
    this.#sessions.add(session);
    session.once('close', () => {
      this.#sessions.delete(session);
      leave();
    });
    this.#callers.set(session, new Caller(credentials, this.#options.sources));
  }

  #gate(context: HandlerContext): void {
    const caller = callerOf(context);
    if (!caller.credentials.ok) throw new ConnectError(caller.credentials.problem, Code.PermissionDenied);
    const end = this.#options.limits.begin(caller.credentials.value);
    if (end === undefined) {
      throw new ConnectError('too many calls; try again later, less often each time', Code.Unavailable);
    }
    context.signal.addEventListener('abort', end, { once: true });
    this.#options.gate(context);
  }
}

/** Who calls. */
export function callerOf(context: HandlerContext): Caller {
  const caller = context.values.get(callerKey);
  if (caller === undefined) throw new ConnectError('nothing is known about the caller', Code.PermissionDenied);
  return caller;
}

const CLOSING_MS = 1_000;

function closed(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => session.destroy(), CLOSING_MS);
    session.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    session.close();
  });
}
