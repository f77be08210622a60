import { formatTraceparent, requestIdOf } from '@rampart/mesh';
import type { Outbound, OutboundExchange, OutboundRecorder } from '@rampart/mesh';

import type { Place } from '../../connect-arguments.ts';
import type { AnnouncedExchanges } from '../announced-exchanges.ts';
import type { Done, PipeTaker } from '../inner-pipe.ts';
import type { LoopHold } from '../loop-hold.ts';
import type { PendingExchanges } from '../pending-exchanges.ts';
import type { InstanceConnections } from './instance-connections.ts';
import { SplicedCall } from './spliced-call.ts';
import type { ClientEnd } from './spliced-call.ts';
import { RequestReader } from './written-request.ts';
import type { WrittenRequest } from './written-request.ts';

export interface SplicedClientOptions {
  readonly outbound: Pick<Outbound, 'ruled'>;
  readonly recorder: OutboundRecorder;
  readonly pending: PendingExchanges;
  readonly hold: LoopHold;
  readonly connections: InstanceConnections;
}

/** The client's end of its connection. */
export interface SplicedEnd extends ClientEnd {
  leave(text: string, done: Done): void;
  once(event: 'end', listener: () => void): unknown;
  end(): unknown;
}

/** One client's connection. */
export interface SplicedConnection {
  /** What it is meant to lead to. */
  readonly place: Place;
  readonly announced: AnnouncedExchanges;
  readonly client: SplicedEnd;
}

interface Waiting {
  readonly text: string;
  readonly done: Done;
}

/**
 * The end of a client's connection, for as long as it writes requests that are short and plain: they are sent on as they stand.
 * With the first one that is not, it leaves the connection to those who can read everything.
 */
export class SplicedClient implements PipeTaker {
  readonly #options: SplicedClientOptions;
  readonly #place: Place;
  readonly #announced: AnnouncedExchanges;
  readonly #client: SplicedEnd;
  readonly #reader = new RequestReader();
  #request: WrittenRequest | undefined;
  /** What came of the request so far. */
  #text = '';
  #call: SplicedCall | undefined;
  /** The next request, where a client does not wait for the answer to one. */
  #waiting: Waiting | undefined;
  #hasEnded = false;
  /** The request under way asks for that: it is the last one (RFC 9112 §9.6). */
  #closes = false;

  constructor(options: SplicedClientOptions, { place, announced, client }: SplicedConnection) {
    this.#options = options;
    this.#place = place;
    this.#announced = announced;
    this.#client = client;
  }

  get isFree(): boolean {
    return this.#call === undefined;
  }

  write(text: string, done: Done): void {
    // Older Node writes the end of a message, which is nothing, by itself.
    if (text === '') {
      done();
      return;
    }
    if (this.#call !== undefined) {
      this.#waiting = { text, done };
      return;
    }
    this.#text += text;
    this.#request ??= this.#reader.read(this.#text);
    const request = this.#request;
    const missing = request === undefined ? 0 : request.bodyAt + request.fields.bodyBytes - this.#text.length;
    if (request === undefined || missing < 0) this.#leave(done);
    else if (missing > 0) done();
    else {
      this.#begin(request, done);
    }
  }

  resume(): void {
    this.#call?.resume();
  }

  ended(): void {
    this.#hasEnded = true;
    if (this.#call === undefined) this.#client.push(null);
  }

  closed(): void {
    this.#call?.abandoned();
  }

  #begin(request: WrittenRequest, done: Done): void {
    const { host, port } = this.#place;
    const { outbound, recorder, connections, hold } = this.#options;
    const ruled = outbound.ruled(host, port);
    if ('error' in ruled || ruled.signature !== undefined) {
      this.#leave(done);
      return;
    }
    const exchange = this.#exchangeOf(request);
    const body = this.#text.slice(request.bodyAt);
    this.#text = '';
    this.#request = undefined;
    this.#closes = request.fields.headers['connection']?.toLowerCase() === 'close';
    hold.begin();
    const call = new SplicedCall({
      request,
      body,
      trace: traceOf(request, exchange),
      exchange,
      ruled,
      recorder,
      connections,
      client: this.#client,
      over: () => this.#over(),
    });
    this.#call = call;
    done();
    call.begin();
  }

  #over(): void {
    this.#options.hold.end();
    this.#call = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (this.#closes) this.#close();
    else if (waiting !== undefined) this.write(waiting.text, waiting.done);
    else if (this.#hasEnded && !this.#client.destroyed) this.#client.push(null);
  }

  /** As a socket that was not asked to stay half open. */
  #close(): void {
    if (this.#client.destroyed) return;
    this.#client.once('end', () => this.#client.end());
    this.#client.push(null);
  }

  /** For good: where its requests begin and end is known only to who reads all of it. */
  #leave(done: Done): void {
    const text = this.#text;
    this.#text = '';
    this.#client.leave(text, done);
  }

  #exchangeOf({ method, url, fields, call }: WrittenRequest): OutboundExchange {
    const { pending, recorder } = this.#options;
    const known = this.#announced.take() ?? pending.take(call);
    return known ?? recorder.begin({ method, path: url, authority: fields.headers['host'] ?? '' });
  }
}

/** W3C Trace Context: the trace of the application goes on, or begins here. Names and values in turn that the request does not have. */
function traceOf({ fields: { headers } }: WrittenRequest, exchange: OutboundExchange): readonly string[] {
  const requestId = headers['x-request-id'];
  const traceparent = headers['traceparent'];
  exchange.adopt(requestId, traceparent);
  const missing = requestId === undefined ? ['x-request-id', requestIdOf(exchange)] : [];
  if (traceparent === undefined) missing.push('traceparent', formatTraceparent(exchange));
  return missing;
}
