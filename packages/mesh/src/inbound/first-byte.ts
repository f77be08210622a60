import type { Socket } from 'node:net';

import type { Clock } from '@rampart/core';

/** What the first byte of a connection says: a TLS handshake record (RFC 8446 §5.1, type 22) or anything else. */
export type FirstByte = 'tls' | 'plaintext';

const HANDSHAKE_RECORD = 22;
/**
 * How long a client may take for its first byte, and again for its handshake, in milliseconds: what Node gives a request for its
 * headers (`headersTimeout`). A caller with a thousand connections to open anew, on a machine with other work, needs more than 10 s.
 */
export const OPENING_TIMEOUT_MS = 60_000;

export interface FirstByteOptions {
  /** Told what came first; nothing where the caller was silent. */
  readonly decide: (kind: FirstByte, first: Buffer) => void;
  /** Told why a connection is closed on which nothing came; one that its caller closes before is none of anybody's. */
  readonly silent?: (reason: string) => void;
  /** Milliseconds of silence after which a caller is taken for one that waits to be spoken to. */
  readonly silenceMs?: number;
}

const NOTHING = Buffer.alloc(0);

/** Whether bytes that a connection begins with are those of a TLS handshake. */
export function isHandshake(first: Buffer): boolean {
  return first[0] === HANDSHAKE_RECORD;
}

/**
 * Waits for the first bytes without taking them: they are put back before `decide` is called. A connection that closes, fails
 * or stays silent before its first byte is destroyed and never decided, unless silence says something, too.
 */
export function peekFirstByte(socket: Socket, clock: Clock, { decide, silent, silenceMs }: FirstByteOptions): void {
  let isOver = false;
  const giveUp = (): void => {
    stop();
    socket.destroy();
  };
  const onTimeout = (): void => {
    silent?.(`nothing came for ${OPENING_TIMEOUT_MS / 1000} s`);
    giveUp();
  };
  // On a busy machine a timer is due before what came in the meantime is read: Node looks at its timers first.
  const onSilence = (): void => {
    setImmediate(() => {
      if (isOver) return;
      stop();
      decide('plaintext', NOTHING);
    });
  };
  const timer =
    silenceMs === undefined ? clock.after(OPENING_TIMEOUT_MS, onTimeout) : clock.after(silenceMs, onSilence);
  const onReadable = (): void => {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    stop();
    socket.unshift(chunk);
    decide(isHandshake(chunk) ? 'tls' : 'plaintext', chunk);
  };
  function stop(): void {
    isOver = true;
    timer.cancel();
    socket.off('readable', onReadable).off('error', giveUp).off('end', giveUp).off('close', giveUp);
  }
  socket.on('readable', onReadable).on('error', giveUp).on('end', giveUp).on('close', giveUp);
}

/**
 * Shows the first chunk that comes on a connection to `look` before anybody else; it is lost unless that says true. For connections
 * that somebody reads already.
 */
export function watchFirstChunk(socket: Socket, look: (first: Buffer) => boolean): void {
  // What Node reads from a connection it hands over by this method; there is no event that comes first.
  const watching = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    Reflect.deleteProperty(socket, 'push');
    if (Buffer.isBuffer(chunk) && !look(chunk)) return false;
    return socket.push(chunk, encoding);
  };
  Object.assign(socket, { push: watching });
}
