import type { Clock } from '@rampart/core';
import { ResponseFlag } from '@rampart/mesh';
import type { Ending } from '@rampart/mesh';

import type { ByteStream } from '../../stream/byte-stream.ts';
import type { Destination, OutboundDoor } from '../captured-connection.ts';
import { farewell } from '../../stream/farewell.ts';
import { readOpening } from '../opening/opening.ts';
import type { OpeningProblem } from '../opening/opening.ts';
import { parseProxyRequest } from './connect-request.ts';

/** A connection on which requests come with the whole URL in their first line (RFC 9112 §3.2.2). */
export interface ProxiedHttp {
  /** Paused, and nothing read of it beyond `head`. */
  readonly stream: ByteStream;
  /** Never empty. */
  readonly head: Buffer;
}

/** Why a CONNECT request was not read. */
export interface UnreadConnect {
  /** Of the answer. */
  readonly status: number;
  readonly reason: string;
}

export interface HttpProxyEntranceOptions {
  readonly door: OutboundDoor;
  /** Takes what is no CONNECT request. */
  http(connection: ProxiedHttp): void;
  /** A CONNECT request could not be read; its sender was told. */
  unreadable?(problem: UnreadConnect): void;
  readonly clock: Clock;
  /** For the head of a CONNECT request. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 10_000;
/** What Node's own parser takes for a head. */
const MAX_HEAD_BYTES = 16_384;

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
};
const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

/** The port that applications know as their HTTP proxy: tunnels by CONNECT (RFC 9110 §9.3.6), and requests for others to take. */
export class HttpProxyEntrance {
  readonly #options: HttpProxyEntranceOptions;

  constructor(options: HttpProxyEntranceOptions) {
    this.#options = options;
  }

  /** A connection before any byte was read. */
  enter(stream: ByteStream): void {
    const { clock, http, deadlineMs = DEADLINE_MS } = this.#options;
    readOpening({
      stream,
      clock,
      limits: { deadlineMs, maxBytes: MAX_HEAD_BYTES },
      parse: (bytes) => (bytes.length === 0 ? { kind: 'more' } : parseProxyRequest(bytes)),
      done: (request, rest) => {
        if (request.kind === 'http') http({ stream, head: rest });
        else this.#connected(stream, rest, request.destination);
      },
      failed: (problem) => this.#failed(stream, problem),
    });
  }

  /** Who has asked nothing gets no answer. */
  #failed(stream: ByteStream, problem: OpeningProblem): void {
    if (problem.kind === 'silent') {
      farewell(stream, '', this.#options.clock);
      return;
    }
    const { reason } = problem;
    const status = statusOf(problem);
    this.#answer(stream, status, reason);
    this.#options.unreadable?.({ status, reason });
  }

  #connected(stream: ByteStream, head: Buffer, destination: Destination): void {
    this.#options.door.connected({
      stream,
      head,
      destination,
      accept: () => void stream.write(Buffer.from(ESTABLISHED)),
      refuse: (ending) => this.#answer(stream, statusOfEnding(ending), ending.reason),
    });
  }

  #answer(stream: ByteStream, status: number, reason: string): void {
    const body = Buffer.from(`${reason}\n`);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_TEXTS[status] ?? ''}`,
      'content-type: text/plain; charset=utf-8',
      `content-length: ${body.length}`,
      'connection: close',
    ];
    farewell(stream, Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]), this.#options.clock);
  }
}

function statusOf({ kind }: OpeningProblem): number {
  if (kind === 'late') return 408;
  return kind === 'large' ? 431 : 400;
}

/** What Envoy answers in these cases; what a policy refuses is forbidden, whichever flag it has. */
function statusOfEnding({ flag, policy }: Ending): number {
  if (flag === ResponseFlag.denied || policy !== '') return 403;
  if (flag === ResponseFlag.protocolError) return 400;
  return flag === ResponseFlag.noRoute ? 404 : 503;
}
