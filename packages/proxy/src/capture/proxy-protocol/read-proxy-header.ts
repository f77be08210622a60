import type { Socket } from 'node:net';

import type { Clock } from '@rampart/core';

import { MOST_PROXY_HEADER_BYTES, parseProxyHeader } from './proxy-header.ts';
import type { ProxyHeader } from './proxy-header.ts';

export interface ProxyHeaderReading {
  readonly clock: Clock;
  readonly deadlineMs?: number;
  /** The header was taken from the socket, and nothing else. */
  done(header: ProxyHeader): void;
  /** The socket is destroyed already. */
  failed(reason: string): void;
}

const DEADLINE_MS = 10_000;

/**
 * Takes the PROXY header from a raw connection, before anybody else reads of it: what stands behind it, a TLS handshake
 * mostly, is put back. To be asked only of proxies that are trusted to tell the truth (§5 of the protocol).
 */
export function readProxyHeader(
  socket: Socket,
  { clock, deadlineMs = DEADLINE_MS, done, failed }: ProxyHeaderReading,
): void {
  let bytes = Buffer.alloc(0);
  const timer = clock.after(deadlineMs, () => fail(`PROXY protocol: not within ${deadlineMs} ms`));
  const gone = (): void => fail('PROXY protocol: the connection ended before');
  const onReadable = (): void => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    bytes = Buffer.concat([bytes, chunk]);
    const parsed = parseProxyHeader(bytes);
    if (parsed.kind === 'bad') fail(parsed.reason);
    else if (parsed.kind === 'done') {
      stop();
      const rest = bytes.subarray(parsed.length);
      if (rest.length > 0) socket.unshift(rest);
      done(parsed.value);
    } else if (bytes.length >= MOST_PROXY_HEADER_BYTES) fail('PROXY protocol: too long');
  };
  function stop(): void {
    timer.cancel();
    socket.off('readable', onReadable).off('error', gone).off('end', gone).off('close', gone);
  }
  function fail(reason: string): void {
    stop();
    socket.on('error', () => {});
    socket.destroy();
    failed(reason);
  }
  socket.on('readable', onReadable).on('error', gone).on('end', gone).on('close', gone);
}
