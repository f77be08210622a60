import type { Cursor, Reader } from '../../cursor.ts';
import { readDuration } from '../../duration.ts';
import { absent, MAX_COUNT } from '../document-form.ts';

/** How much is under way to a service at a time, from one data plane (istio/api `ConnectionPoolSettings`). */
export interface ConnectionPool {
  readonly tcp?: TcpPool;
  readonly http?: HttpPool;
}

export interface TcpPool {
  /** Connections to all instances together. */
  readonly maxConnections?: number;
  /** 10 s where absent. */
  readonly connectTimeoutMs?: number;
  /** How long nothing is sent before a connection is probed. */
  readonly tcpKeepalive?: { readonly timeMs?: number };
  /** A connection is closed then, when nothing is under way on it. */
  readonly maxConnectionDurationMs?: number;
  readonly idleTimeoutMs?: number;
}

export interface HttpPool {
  /** Requests that wait for a connection. */
  readonly http1MaxPendingRequests?: number;
  /** Requests under way to all instances together, over HTTP/1.1, too. */
  readonly http2MaxRequests?: number;
  /** 0, or absent: as many as come. */
  readonly maxRequestsPerConnection?: number;
  /** Repetitions under way to all instances together. */
  readonly maxRetries?: number;
  /** How long a connection with nothing under way is kept. */
  readonly idleTimeoutMs?: number;
}

/** From one, as 0 would refuse everything. */
const readLimit: Reader<number> = (at) => at.integer('a number', { min: 1, max: MAX_COUNT });
const readCount: Reader<number> = (at) => at.integer('a number', { min: 0, max: MAX_COUNT });
const readTime: Reader<number> = (at) => readDuration(at);
/** "0s" is Istio's word for none. */
const readTimeOrNone: Reader<number> = (at) => (at.value === '0s' ? undefined : readDuration(at));

export function readConnectionPool(at: Cursor): ConnectionPool | undefined {
  return at.fields<ConnectionPool>({ tcp: readTcpPool, http: readHttpPool });
}

interface TcpFields {
  readonly maxConnections: number;
  readonly connectTimeout: number;
  readonly tcpKeepalive: { readonly timeMs?: number };
  readonly maxConnectionDuration: number;
  readonly idleTimeout: number;
}

function readTcpPool(at: Cursor): TcpPool | undefined {
  const fields = at.fields<TcpFields>({
    maxConnections: readLimit,
    connectTimeout: readTime,
    tcpKeepalive: readKeepalive,
    maxConnectionDuration: readTime,
    idleTimeout: readTimeOrNone,
  });
  if (fields === undefined) return undefined;
  const { connectTimeout, maxConnectionDuration, idleTimeout, ...rest } = fields;
  return {
    ...rest,
    ...(connectTimeout === undefined ? {} : { connectTimeoutMs: connectTimeout }),
    ...(maxConnectionDuration === undefined ? {} : { maxConnectionDurationMs: maxConnectionDuration }),
    ...(idleTimeout === undefined ? {} : { idleTimeoutMs: idleTimeout }),
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

interface HttpFields extends Omit<HttpPool, 'idleTimeoutMs'> {
  readonly idleTimeout: number;
  readonly h2UpgradePolicy: string;
  readonly useClientProtocol: boolean;
  readonly maxConcurrentStreams: never;
}

function readHttpPool(at: Cursor): HttpPool | undefined {
  const fields = at.fields<HttpFields>({
    http1MaxPendingRequests: readCount,
    http2MaxRequests: readLimit,
    maxRequestsPerConnection: readCount,
    maxRetries: readCount,
    idleTimeout: readTimeOrNone,
    h2UpgradePolicy: readUpgradePolicy,
    useClientProtocol: (flag) => flag.flag(),
    maxConcurrentStreams: absent('requests under way are bounded by http2MaxRequests here'),
  });
  if (fields === undefined) return undefined;
  const { idleTimeout, h2UpgradePolicy: _upgrade, useClientProtocol: _protocol, ...rest } = fields;
  return { ...rest, ...(idleTimeout === undefined ? {} : { idleTimeoutMs: idleTimeout }) };
}

/** A request keeps the protocol that its caller speaks; that is what the other two words say. */
function readUpgradePolicy(at: Cursor): string | undefined {
  return at.value === 'UPGRADE'
    ? at.error('a request keeps the protocol of its caller here, and is never upgraded', 'UNSUPPORTED_FEATURE')
    : at.word(['DEFAULT', 'DO_NOT_UPGRADE']);
}
