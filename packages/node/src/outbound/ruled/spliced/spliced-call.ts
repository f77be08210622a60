import { STATUS_CODES } from 'node:http';

import type { CompiledAnswer, CompiledHeaders } from '@rampart/core';
import { breakageOf, COMPLETE, failure } from '@rampart/mesh';
import type {
  CallDriver,
  Ending,
  OutboundExchange,
  OutboundRecorder,
  RuledService,
  TrafficCall,
  Try,
} from '@rampart/mesh';

import { isRepeatable } from '../repeatable.ts';
import { headerList } from './answer-head.ts';
import type { AnswerHead } from './answer-head.ts';
import { ChunkedEnd } from './chunked-end.ts';
import { editOf, fieldLines } from './header-edit.ts';
import type { BreakFacts, ConnectionListener, InstanceConnection } from './instance-connection.ts';
import type { InstanceConnections } from './instance-connections.ts';
import { safeTarget } from './safe-headers.ts';
import type { WrittenRequest } from './written-request.ts';

const BAD_GATEWAY = 502;
const BODILESS: ReadonlySet<number> = new Set([204, 304]);
/** A body up to here is put behind its head, so that the client reads both at once. */
const MOST_JOINED = 16_384;

/** Where a client library reads its answers. */
export interface ClientEnd {
  readonly destroyed: boolean;
  /** False where the client has to catch up first. */
  push(part: Uint8Array | string | null, encoding?: BufferEncoding): boolean;
  destroy(error?: Error): unknown;
}

export interface SplicedCallOptions {
  readonly request: WrittenRequest;
  /** Its body, a character for each byte. */
  readonly body: string;
  /** Names and values in turn that are put behind its headers. */
  readonly trace: readonly string[];
  readonly exchange: OutboundExchange;
  readonly ruled: RuledService;
  readonly recorder: OutboundRecorder;
  readonly connections: InstanceConnections;
  readonly client: ClientEnd;
  /** Called once, when nothing more comes of it. */
  over(): void;
}

/** One request that its client has written as a whole: rules decide, and this writes it to an instance and its answer back. */
export class SplicedCall implements CallDriver {
  readonly canBeRepeated = true;
  readonly #options: SplicedCallOptions;
  readonly #call: TrafficCall;
  #current: InstanceConnection | undefined;
  #kept: BodyKeeper | undefined;
  #mayRepeat = true;
  #isOver = false;

  constructor(options: SplicedCallOptions) {
    this.#options = options;
    const { request, exchange, ruled } = options;
    exchange.ruled = ruled.service;
    const { method, url, fields } = request;
    const { headers, bodyBytes } = fields;
    exchange.userAgent = headers['user-agent'] ?? '';
    exchange.bytesSent = bodyBytes;
    this.#call = ruled.call({ method, url, authority: headers['host'] ?? '', headers }, this);
  }

  begin(): void {
    this.#call.begin();
  }

  send(attempt: Try): void {
    const { exchange, connections, request } = this.#options;
    exchange.target = attempt.target;
    const text = this.#written(attempt);
    if (text === undefined) return;
    try {
      const connection = connections.to(attempt.target);
      this.#current = connection;
      connection.send(text, request.method, new Answered(this, connection, attempt));
    } catch (error) {
      // Without an identity nothing can be opened.
      queueMicrotask(() => this.#call.broke(breakageOf(error, false)));
    }
  }

  mirror(copy: Try): void {
    const { connections, request } = this.#options;
    try {
      connections.to(copy.target).send(this.#textOf(copy), request.method, UNHEARD);
    } catch {
      // The request itself does not suffer from that.
    }
  }

  drop(): void {
    const current = this.#current;
    this.#current = undefined;
    current?.destroy();
  }

  answer({ status, headers, body }: CompiledAnswer, ending: Ending): void {
    const own = headers.flat();
    if (!BODILESS.has(status)) own.push('content-length', String(body.length));
    this.#options.exchange.code = status;
    // Not while the client is still writing.
    queueMicrotask(() => {
      const text = headText(status, own);
      const isHead = this.#options.request.method === 'HEAD';
      this.#push(isHead ? Buffer.from(text, 'latin1') : Buffer.concat([Buffer.from(text, 'latin1'), body]));
      this.#end(ending);
    });
  }

  breakOff(ending: Ending): void {
    this.drop();
    this.#end(ending);
    this.#options.client.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  /** The client has room again. */
  resume(): void {
    this.#current?.flow(true);
  }

  /** The client has gone away. */
  abandoned(): void {
    if (this.#isOver) return;
    this.#call.abandoned();
    const error = new Error('the caller went away');
    this.#end(failure(this.#options.exchange, error, { byCaller: true, connected: true }));
  }

  /** Says whether the answer is for the client; `from` is where it comes from, and `body` what came with its head. */
  head({ from, head, body, isWhole }: ArrivedHead): boolean {
    if (from !== this.#current) return false;
    const { status, grpcStatus } = head;
    if (!this.#call.answered(status, grpcStatus)) {
      this.#current = undefined;
      return false;
    }
    const { exchange } = this.#options;
    exchange.code = status;
    exchange.bytesReceived += body.length;
    if (this.#call.mayKeep) this.#kept = keeperOf(this.#call.keep(headerList(head)), head);
    this.#kept?.add(body);
    const text = head.passed(editOf(this.#call.responseHeaders));
    if (isWhole) this.#complete();
    if (body.length > MOST_JOINED) {
      this.#push(Buffer.from(text, 'latin1'));
      this.#push(body);
    } else {
      const whole = Buffer.allocUnsafe(text.length + body.length);
      whole.write(text, 'latin1');
      whole.set(body, text.length);
      this.#push(whole);
    }
    if (isWhole) this.#passedOn(head);
    return true;
  }

  body(part: Buffer, isWhole: boolean, head: AnswerHead): void {
    this.#options.exchange.bytesReceived += part.length;
    if (part.length > 0) this.#kept?.add(part);
    if (isWhole) this.#complete();
    if (part.length > 0) this.#push(part);
    if (isWhole) this.#passedOn(head);
  }

  broke(error: Error, { connection, attempt, wasUsed, isStale }: BrokenTry): void {
    if (connection !== this.#current) return;
    this.#current = undefined;
    // The instance closed a connection that was idle: that says nothing of it.
    if (isStale && this.#mayRepeat && isRepeatable(this.#options.request.method)) {
      this.#mayRepeat = false;
      this.send(attempt);
    } else this.#call.broke(breakageOf(error, wasUsed));
  }

  /** Undefined where rules make of it what HTTP cannot say: no instance is to blame for that. */
  #written(attempt: Try): string | undefined {
    try {
      return this.#textOf(attempt);
    } catch (error) {
      const { exchange } = this.#options;
      const reason = error instanceof Error ? error.message : String(error);
      this.#call.abandoned();
      const ending = failure(exchange, error, { byCaller: false, connected: false });
      const headers = [['content-type', 'text/plain'] as const];
      this.answer({ status: BAD_GATEWAY, headers, body: Buffer.from(`${reason}\n`) }, ending);
      return undefined;
    }
  }

  #textOf({ headers, url, authority }: Try): string {
    const { request, body, trace } = this.#options;
    const host: CompiledHeaders | undefined =
      authority === undefined ? undefined : { remove: [], set: [['host', safeTarget(authority)]], add: [] };
    const path = url === undefined ? request.url : safeTarget(url);
    const edit = editOf(host === undefined ? headers : [...headers, host]);
    let text = `${request.method} ${path} HTTP/1.1\r\n${request.fields.edited(edit)}`;
    for (let index = 0; index + 1 < trace.length; index += 2) {
      const name = trace[index] ?? '';
      if (!edit.gone.has(name)) text += `${name}: ${trace[index + 1] ?? ''}\r\n`;
    }
    return `${text}\r\n${body}`;
  }

  #push(part: Buffer): void {
    const { client } = this.#options;
    if (!client.destroyed && !client.push(part)) this.#current?.flow(false);
  }

  /** The answer is all there: a client that goes away once it has read the rest has not given up. */
  #complete(): void {
    this.#current = undefined;
    this.#call.finished();
    this.#record(this.#call.ending(COMPLETE));
  }

  #passedOn({ end }: AnswerHead): void {
    const { client, over } = this.#options;
    over();
    if (end.by === 'close' && !client.destroyed) client.push(null);
  }

  #end(ending: Ending): void {
    if (this.#isOver) return;
    this.#record(ending);
    this.#options.over();
  }

  #record(ending: Ending): void {
    this.#isOver = true;
    const { exchange, recorder } = this.#options;
    recorder.end(exchange, ending);
  }
}

/** Takes the bytes of an answer, to be given again. */
type BodyKeeper = Exclude<ReturnType<TrafficCall['keep']>, undefined>;

function keeperOf(kept: BodyKeeper | undefined, { end }: AnswerHead): BodyKeeper | undefined {
  if (kept === undefined || end.by !== 'chunks') return kept;
  const chunks = new ChunkedEnd((part) => kept.add(part));
  return { add: (bytes) => void chunks.take(bytes) };
}

interface ArrivedHead {
  readonly from: InstanceConnection;
  readonly head: AnswerHead;
  readonly body: Buffer;
  readonly isWhole: boolean;
}

interface BrokenTry extends BreakFacts {
  readonly connection: InstanceConnection;
  readonly attempt: Try;
}

/** The answer to one try. */
class Answered implements ConnectionListener {
  readonly #call: SplicedCall;
  readonly #connection: InstanceConnection;
  readonly #attempt: Try;
  #head: AnswerHead | undefined;

  constructor(call: SplicedCall, connection: InstanceConnection, attempt: Try) {
    this.#call = call;
    this.#connection = connection;
    this.#attempt = attempt;
  }

  head(head: AnswerHead, body: Buffer, isWhole: boolean): void {
    if (this.#call.head({ from: this.#connection, head, body, isWhole })) this.#head = head;
  }

  body(part: Buffer, isWhole: boolean): void {
    if (this.#head !== undefined) this.#call.body(part, isWhole, this.#head);
  }

  broke(error: Error, facts: BreakFacts): void {
    this.#call.broke(error, { ...facts, connection: this.#connection, attempt: this.#attempt });
  }
}

const UNHEARD: ConnectionListener = {
  head: () => undefined,
  body: () => undefined,
  broke: () => undefined,
};

function headText(status: number, list: readonly string[]): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fieldLines(list)}\r\n`;
}
