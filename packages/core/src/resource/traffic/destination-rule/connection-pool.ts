import type { Cursor, Reader } from '../../cursor.ts';
import { readDuration } from '../../duration.ts';
import { absent, MAX_COUNT } from '../document-form.ts';

/** How much is under way to a service at a time, from one data plane (istio/api `ConnectionPoolSettings`). */
export interface ConnectionPool {
  readonly tcp?: TcpPool;
  readonly http?: HttpPool;
}

export interface TcpPool {
  /** Connections, and requests that are under way, to all instances together. */
  readonly maxConnections?: number;
  /** 10 s where absent. */
  readonly connectTimeoutMs?: number;
  /** How long nothing is sent before a connection is probed. */
  readonly tcpKeepalive?: { readonly timeMs?: number };
}

export interface HttpPool {
  /** Requests that wait for one of `maxConnections`. */
  readonly http1MaxPendingRequests?: number;
  /** Requests under way to all instances together, over HTTP/1.1, too; what comes beyond is refused at once. */
  readonly http2MaxRequests?: number;
  /** Repetitions under way to all instances together. */
  readonly maxRetries?: number;
}

/** Connections between data planes. */
const SHARED =
  'a connection to an instance is shared by everything that goes there, and lasts as long as its certificate';

/** From one, as 0 would refuse everything. */
const readLimit: Reader<number> = (at) => at.integer('a number', { min: 1, max: MAX_COUNT });
const readCount: Reader<number> = (at) => at.integer('a number', { min: 0, max: MAX_COUNT });
const readTime: Reader<number> = (at) => readDuration(at);

export function readConnectionPool(at: Cursor): ConnectionPool | undefined {
  return at.fields<ConnectionPool>({ tcp: readTcpPool, http: readHttpPool });
}

interface TcpFields {
  readonly maxConnections: number;
  readonly connectTimeout: number;
  readonly tcpKeepalive: { readonly timeMs?: number };
  readonly maxConnectionDuration: never;
  readonly idleTimeout: never;
}

function readTcpPool(at: Cursor): TcpPool | undefined {
  const fields = at.fields<TcpFields>({
    maxConnections: readLimit,
    connectTimeout: readTime,
    tcpKeepalive: readKeepalive,
    maxConnectionDuration: absent(SHARED),
    idleTimeout: absent(SHARED),
  });
  if (fields === undefined) return undefined;
  const { maxConnections, connectTimeout, tcpKeepalive } = fields;
  return {
    ...(maxConnections === undefined ? {} : { maxConnections }),
    ...(connectTimeout === undefined ? {} : { connectTimeoutMs: connectTimeout }),
    ...(tcpKeepalive === undefined ? {} : { tcpKeepalive }),
  };
}

interface KeepaliveFields {
  readonly time: number;
  readonly probes: never;
  readonly interval: never;
}

function readKeepalive(at: Cursor): { readonly timeMs?: number } | undefined {
  const fields = at.fields<KeepaliveFields>({
    time: readTime,
    probes: absent('how often a connection is probed is left to the operating system'),
    interval: absent('how often a connection is probed is left to the operating system'),
  });
  if (fields === undefined) return undefined;
  return fields.time === undefined ? {} : { timeMs: fields.time };
}

interface HttpFields extends HttpPool {
  readonly maxRequestsPerConnection: number;
  readonly h2UpgradePolicy: string;
  readonly useClientProtocol: boolean;
  readonly idleTimeout: never;
  readonly maxConcurrentStreams: never;
}

function readHttpPool(at: Cursor): HttpPool | undefined {
  const fields = at.fields<HttpFields>({
    http1MaxPendingRequests: readCount,
    http2MaxRequests: readLimit,
    maxRetries: readCount,
    maxRequestsPerConnection: readRequestsPerConnection,
    h2UpgradePolicy: readUpgradePolicy,
    useClientProtocol: (flag) => flag.flag(),
    idleTimeout: absent(SHARED),
    maxConcurrentStreams: absent('requests under way are bounded by http2MaxRequests here'),
  });
  if (fields === undefined) return undefined;
  const { http1MaxPendingRequests, http2MaxRequests, maxRetries } = fields;
  return {
    ...(http1MaxPendingRequests === undefined ? {} : { http1MaxPendingRequests }),
    ...(http2MaxRequests === undefined ? {} : { http2MaxRequests }),
    ...(maxRetries === undefined ? {} : { maxRetries }),
  };
}

/** 0 is Istio's word for as many as come. */
function readRequestsPerConnection(at: Cursor): number | undefined {
  if (at.value === 0) return 0;
  return at.misplaced(
    `has no meaning here: ${SHARED}. Leave it out: each request is given to an instance by itself, whatever connection it takes, and http2MaxRequests bounds how many are under way`,
    'UNSUPPORTED_FEATURE',
  );
}

/** A request keeps the protocol that its caller speaks; that is what the other two words say. */
function readUpgradePolicy(at: Cursor): string | undefined {
  return at.value === 'UPGRADE'
    ? at.error('a request keeps the protocol of its caller here, and is never upgraded', 'UNSUPPORTED_FEATURE')
    : at.word(['DEFAULT', 'DO_NOT_UPGRADE']);
}
