import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type ListenAddress, listen } from './listening.ts';
import type { NodeHandler } from './node-handler.ts';
import { type DoorCredentials, tlsSettings } from './tls.ts';

/** The API's door: one TLS port for gRPC, gRPC-web, Connect and plain HTTP with JSON. */
export interface ApiServer {
  readonly port: number;
  /** Takes a certificate into use; connections that are up go on with the one they had. */
  use(credentials: DoorCredentials): void;
  /** Answers calls from now on. */
  serve(handler: NodeHandler): void;
  /** Takes no more connections, lets running calls end, and cuts what is left after the grace period. */
  close(graceMs: number): Promise<void>;
}

export interface ApiServerOptions extends ListenAddress {
  /** How long a connection may be up before it asks for anything, in milliseconds; 30 s unless given. */
  readonly patienceMs?: number;
  /** Told why a TLS handshake failed. */
  handshakeFailed(error: Error): void;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;
const LARGEST_HEADER_BYTES = 32 * 1024;
/** Passed on to the HTTP/1.1 side, which the types of `node:http2` do not know of. */
const HTTP1_LIMITS = { maxHeaderSize: LARGEST_HEADER_BYTES };
const MOST_STREAMS = 256;
/** A control stream beats every few seconds; a connection without any traffic for this long is gone. */
const IDLE_SESSION_MS = 5 * 60_000;
const PATIENCE_MS = 30_000;

/** Opens the port at once, so that a port in use is known before anything else is done; nobody gets in without `use`. */
export async function openApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { patienceMs = PATIENCE_MS } = options;
  const server = createSecureServer({
    ...tlsSettings(),
    ...HTTP1_LIMITS,
    allowHTTP1: true,
    requestCert: true,
    // waiver: reject-unauthorized -- attestation and operators come without a certificate; every certificate that is used goes through PeerVerifier
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    settings: {
      maxHeaderListSize: LARGEST_HEADER_BYTES,
      maxConcurrentStreams: MOST_STREAMS,
      enableConnectProtocol: false,
    },
  });
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('timeout', () => session.close());
    session.setTimeout(patienceMs);
    session.once('stream', () => session.setTimeout(IDLE_SESSION_MS));
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  cutSilent(server, patienceMs);
  server.on('tlsClientError', options.handshakeFailed);
  const port = await listen(server, options);
  let closing: Promise<void> | undefined;
  return {
    port,
    use: (credentials) => server.setSecureContext(tlsSettings(credentials)),
    serve: (handler) => server.on('request', handler),
    close: (graceMs) => (closing ??= close(server, { sockets, sessions, graceMs })),
  };
}

/** Over HTTP/1.1 Node waits for the first request of a connection as long as it takes. */
function cutSilent(server: Http2SecureServer, patienceMs: number): void {
  const cuts = new WeakMap<Socket, () => void>();
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') return;
    const cut = (): void => void socket.destroy();
    cuts.set(socket, cut);
    socket.setTimeout(patienceMs, cut);
  });
  server.on('request', ({ httpVersionMajor, socket }: Pick<IncomingMessage, 'httpVersionMajor' | 'socket'>) => {
    const cut = httpVersionMajor === 1 ? cuts.get(socket) : undefined;
    if (cut === undefined) return;
    cuts.delete(socket);
    socket.setTimeout(0, cut);
  });
}

interface Closing {
  readonly sockets: ReadonlySet<Socket>;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly graceMs: number;
}

function close(server: Http2SecureServer, { sockets, sessions, graceMs }: Closing): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => {
      for (const socket of sockets) {
        socket.destroy();
      }
    }, graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    for (const session of sessions) {
      session.close();
    }
  });
}
