import { isFraming } from '@rampart/core';
import type { CompiledAnswer, HeaderEntry, RoutedRequest } from '@rampart/core';

import { storageOf, textOf } from './storable.ts';
import type { Storage } from './storable.ts';

/** Bytes of body and headers that are kept of one answer, and of all answers of a service. */
export const MOST_OF_ANSWER = 65_536;
export const MOST_OF_SERVICE = 4_194_304;
/** What an entry takes beside its texts, about. */
const OVERHEAD = 512;
const SECOND = 1000;
const OK = 200;
/** Name the exchange that the answer came of. */
const OF_ONE_EXCHANGE: ReadonlySet<string> = new Set([
  'x-request-id',
  'traceparent',
  'tracestate',
  'age',
  'cache-status',
]);

interface KeptAnswer extends Storage {
  readonly headers: readonly HeaderEntry[];
  readonly body: Uint8Array;
  /** Values of the request's headers that the answer goes by. */
  readonly varied: readonly (string | undefined)[];
  readonly since: number;
  readonly size: number;
}

/** An earlier answer, and how old it is. */
export interface StaleAnswer {
  readonly answer: CompiledAnswer;
  readonly ageMs: number;
}

/** The head of an answer that is on its way to the caller. */
export interface AnswerHead {
  readonly status: number;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/**
 * The last good answers of a service, to be given while none of its instances can answer. Bounded: what was not asked for the
 * longest goes first.
 */
export class StaleAnswers {
  readonly #kept = new Map<string, KeptAnswer>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes an answer as it passes; undefined for one that is not kept, which takes the place of an earlier one all the same. */
  receive(key: string, request: RoutedRequest, head: AnswerHead): AnswerReceiver | undefined {
    const storage = storageOf(head.status, head.rawHeaders);
    if (storage === undefined) {
      if (head.status < SERVER_ERROR) this.forget(key);
      return undefined;
    }
    return new AnswerReceiver((body, now) => this.#keep(key, { request, head, storage, body, now }));
  }

  /** Whether what is known is no older than `mostMs`, and is the answer to this very request. */
  find(key: string, request: RoutedRequest, { now, mostMs }: Freshness): StaleAnswer | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    const ageMs = kept.ageMs + now - kept.since;
    if (ageMs > Math.min(mostMs, kept.mostMs)) {
      this.forget(key);
      return undefined;
    }
    if (kept.vary.some((name, index) => textOf(request.headers[name]) !== kept.varied[index])) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const marks: HeaderEntry[] = [
      ['age', String(Math.floor(ageMs / SECOND))],
      ['cache-status', 'rampart; hit; detail=stale'],
    ];
    return { answer: { status: OK, headers: [...kept.headers, ...marks], body: kept.body }, ageMs };
  }

  forget(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= kept.size;
  }

  #keep(key: string, { request, head, storage, body, now }: Received): void {
    this.forget(key);
    const headers = passedOn(head.rawHeaders);
    const text = headers.reduce((sum, [name, value]) => sum + name.length + value.length, key.length);
    const size = body.length + text + OVERHEAD;
    if (size > MOST_OF_ANSWER + OVERHEAD) return;
    const varied = storage.vary.map((name) => textOf(request.headers[name]));
    this.#kept.set(key, { ...storage, headers, body, varied, since: now, size });
    this.#bytes += size;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= MOST_OF_SERVICE) break;
      this.forget(oldest);
    }
  }
}

const SERVER_ERROR = 500;

/** Takes the body of one answer, as long as it is not too much. */
export class AnswerReceiver {
  readonly #keep: (body: Uint8Array, now: number) => void;
  #parts: Uint8Array[] | undefined = [];
  #bytes = 0;

  constructor(keep: (body: Uint8Array, now: number) => void) {
    this.#keep = keep;
  }

  add(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > MOST_OF_ANSWER) this.#parts = undefined;
    else this.#parts?.push(part);
  }

  /** The answer is whole. */
  complete(now: number): void {
    if (this.#parts === undefined) return;
    const body = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      body.set(part, at);
      at += part.length;
    }
    this.#keep(body, now);
  }
}

interface Freshness {
  readonly now: number;
  readonly mostMs: number;
}

interface Received {
  readonly request: RoutedRequest;
  readonly head: AnswerHead;
  readonly storage: Storage;
  readonly body: Uint8Array;
  readonly now: number;
}

/** Headers without those that belong to one connection (RFC 9110 §7.6.1) or one exchange. */
function passedOn(rawHeaders: readonly string[]): HeaderEntry[] {
  const entries: HeaderEntry[] = [];
  const ofConnection = new Set<string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]];
    entries.push([name, value]);
    if (name.toLowerCase() === 'connection')
      for (const option of value.split(',')) ofConnection.add(option.trim().toLowerCase());
  }
  return entries.filter(([name]) => {
    const lower = name.toLowerCase();
    return !isFraming(lower) && !ofConnection.has(lower) && !OF_ONE_EXCHANGE.has(lower);
  });
}
