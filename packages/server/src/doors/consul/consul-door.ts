import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { Logger } from '../../log.ts';
import type { Counter } from '../../metrics.ts';
import { limitConnections } from '../limits/connection-limit.ts';
import { plainAddress } from '../limits/network-of.ts';
import { type ListenAddress, listen } from '../listening.ts';
import { type DoorCredentials, tlsSettings } from '../tls.ts';
import type { ConsulApi, ConsulRequest } from './consul-api.ts';
import { type ConsulAnswer, refusalAnswer, textAnswer } from './http/answer.ts';
import { isMeantForLoopback } from './http/own-host.ts';
import { readBody } from './http/read-body.ts';
import { contentOf, Rendered } from './http/rendered.ts';
import { type RequestTarget, targetOf } from './http/target.ts';

export interface ConsulDoorOptions extends ListenAddress {
  readonly kind: 'http' | 'https';
  readonly log: Logger;
  /** Calls by status. */
  readonly calls: Counter;
}

/** One port of Consul's HTTP API. Nobody is answered before `serve`, nor over HTTPS before `use`. */
export interface ConsulDoor {
  readonly port: number;
  use(credentials: DoorCredentials): void;
  serve(api: ConsulApi): void;
  close(): Promise<void>;
}

/** A blocking query is a connection that waits. */
const MOST_OF_ONE_NETWORK = 512;
const MOST_CONNECTIONS = 10_000;
const LIMITS = { maxHeaderSize: 16 * 1024, requestTimeout: 15_000, headersTimeout: 10_000, keepAliveTimeout: 30_000 };
const TOKEN = /^[\w.~+/-]{1,1024}=*$/;

/** @throws RampartError PORT_IN_USE; INVALID_ARGUMENT when this machine has no such address. */
export async function openConsulDoor(options: ConsulDoorOptions): Promise<ConsulDoor> {
  let api: ConsulApi | undefined;
  const closing = new AbortController();
  const handler = (request: IncomingMessage, response: ServerResponse): void =>
    void respond(request, response, { ...options, api, closing: closing.signal });
  const secure = options.kind === 'https' ? secureServer(handler) : undefined;
  const server: Server | HttpsServer = secure ?? createHttpServer(LIMITS, handler);
  server.maxConnections = MOST_CONNECTIONS;
  limitConnections(server, MOST_OF_ONE_NETWORK);
  const port = await listen(server, options);
  return {
    port,
    use: (credentials) => secure?.setSecureContext(tlsSettings(credentials)),
    serve: (given) => {
      api = given;
    },
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        server.close(() => resolve());
        server.closeIdleConnections();
        setImmediate(() => server.closeAllConnections());
      }),
  };
}

function secureServer(handler: (request: IncomingMessage, response: ServerResponse) => void): HttpsServer {
  const server = createHttpsServer(
    {
      ...tlsSettings(),
      ...LIMITS,
      requestCert: true,
      // waiver: reject-unauthorized -- callers with a token have no certificate; every certificate that is used goes through PeerVerifier
      rejectUnauthorized: false,
      handshakeTimeout: LIMITS.headersTimeout,
    },
    handler,
  );
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

interface Ground extends ConsulDoorOptions {
  readonly api: ConsulApi | undefined;
  readonly closing: AbortSignal;
}

async function respond(request: IncomingMessage, response: ServerResponse, ground: Ground): Promise<void> {
  const target = targetOf(request.url ?? '');
  const answer = await answerOf({ request, response, target }, ground);
  ground.calls.add({ status: String(answer.status) });
  if (response.destroyed) return;
  send(response, answer, target?.query.has('pretty') ?? false);
  // What was not read belongs to a request that was refused: the connection is not for another one.
  if (!request.complete) response.once('finish', () => request.destroy());
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Undefined for what cannot be read. */
  readonly target: RequestTarget | undefined;
}

async function answerOf({ request, response, target }: Exchange, ground: Ground): Promise<ConsulAnswer> {
  const { api, log, kind, closing } = ground;
  try {
    if (api === undefined) return textAnswer(503, 'not ready');
    if (kind === 'http' && !isMeantForLoopback(request.headers.host)) return textAnswer(421, 'this is not that host');
    return target === undefined
      ? textAnswer(400, 'Bad request: the URL cannot be read')
      : await api.answer(requestOf(request, target, () => endOf(response, closing)));
  } catch (error) {
    const refusal = refusalAnswer(error);
    if (refusal !== undefined) return refusal;
    if (!closing.aborted && !response.destroyed) log.error({ error }, 'a call of the Consul API failed');
    return textAnswer(500, 'internal error');
  }
}

/** Made for those who wait: most calls are over before anybody could go away. */
function endOf(response: ServerResponse, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  else response.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, closing]);
}

function requestOf(request: IncomingMessage, target: RequestTarget, end: () => AbortSignal): ConsulRequest {
  const { headers, socket, method = '' } = request;
  const bearer = bearerOf(single(headers['x-consul-token']));
  // Older clients know no other way; nothing here keeps URLs.
  const inUrl = bearerOf(target.query.get('token') ?? undefined);
  return {
    method,
    ...target,
    authorization: bearer ?? headers.authorization ?? inUrl,
    tls: socket instanceof TLSSocket ? socket : undefined,
    namespace: single(headers['x-consul-namespace']),
    remoteAddress: plainAddress(socket.remoteAddress ?? ''),
    end,
    body: () => readBody(request),
  };
}

/** A token of a wrong form stays one, so that it is a wrong token and not none. */
function bearerOf(token: string | undefined): string | undefined {
  if (token === undefined || token === '') return undefined;
  return `Bearer ${TOKEN.test(token) ? token : ''}`;
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

/** What is larger is sent as it is: nobody reads it line by line, and writing it anew would keep everybody else waiting. */
const PRETTY_BYTES = 1_048_576;

function bodyOf(body: ConsulAnswer['body'], isPretty: boolean): string | Buffer {
  if ('text' in body) return body.text;
  const { json } = body;
  const isLarge = json instanceof Rendered && json.bytes.length > PRETTY_BYTES;
  return isPretty && !isLarge ? JSON.stringify(json, undefined, 4) : contentOf(json);
}

function send(response: ServerResponse, { status, headers, body }: ConsulAnswer, isPretty: boolean): void {
  const content = bodyOf(body, isPretty);
  response.writeHead(status, {
    'content-type': 'json' in body ? 'application/json' : 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    // Head and body are one write only where the length is known before.
    'content-length': Buffer.byteLength(content),
    ...headers,
  });
  response.end(content);
}
