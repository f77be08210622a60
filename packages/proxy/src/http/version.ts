import type { Clock } from '@rampart/core';

import { readOpening } from '../capture/opening/opening.ts';
import type { Parsed } from '../capture/opening/opening.ts';
import type { ByteStream } from '../stream/byte-stream.ts';

/** What is spoken on a connection. */
export type HttpVersion = 'http/1.1' | 'h2';

/** With which a client of HTTP/2 begins (RFC 9113 §3.4). */
const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Tells by its first bytes which version of HTTP is spoken; none of them is taken. */
function versionOf(bytes: Buffer): Parsed<HttpVersion> {
  const known = Math.min(bytes.length, PREFACE.length);
  if (PREFACE.compare(bytes, 0, known, 0, known) !== 0) return { kind: 'done', value: 'http/1.1', length: 0 };
  return known < PREFACE.length ? { kind: 'more' } : { kind: 'done', value: 'h2', length: 0 };
}

export interface VersionWaiting {
  readonly stream: ByteStream;
  /** What was read of it before. */
  readonly head?: Buffer | undefined;
  readonly clock: Clock;
  /** For the first bytes, in milliseconds. */
  readonly patience: number;
}

/** Waits for a connection to show what is spoken on it; one that does not is closed. */
export function awaitVersion(
  { stream, head, clock, patience }: VersionWaiting,
  decide: (version: HttpVersion, head: Buffer) => void,
): void {
  readOpening({
    stream,
    ...(head === undefined ? {} : { head }),
    clock,
    limits: { deadlineMs: patience, maxBytes: PREFACE.length },
    parse: versionOf,
    done: decide,
    failed: () => stream.reset(),
  });
}
