import { MessageHead } from './head.ts';
import type { StartLine } from './head.ts';
import {
  finding,
  FINDING,
  Found,
  KEEP_ALIVE,
  Llhttp,
  MOST_BYTES,
  OK,
  PAUSED,
  PAUSED_UPGRADE,
  REQUEST,
  RESPONSE,
  UPGRADE,
} from './parsing/llhttp.ts';
import type { Expectation, MessageKind } from './parsing/llhttp.ts';
import { plainMessage } from './parsing/plain-message.ts';
import { ReceivedFields } from './received-fields.ts';

/** What of a message's body came at a time. */
export interface Portion {
  /** Without their framing. */
  readonly body: readonly Buffer[];
  /** Nothing more of the message will come. */
  readonly isLast: boolean;
  /** Names and values in turn; with the last portion only. */
  readonly trailers: readonly string[];
}

export interface ReaderLimits {
  /** First line and headers together. */
  readonly headBytes: number;
  readonly headers: number;
}

/** As Envoy has them: 60 KiB and 100 headers. */
const DEFAULT_LIMITS: ReaderLimits = { headBytes: 61_440, headers: 100 };

/** The same, with room for what the data plane of the caller has added, rules of traffic included: what one end lets pass the other one takes. */
export const RELAYED_LIMITS: ReaderLimits = { headBytes: 69_632, headers: 132 };

/**
 * "more": the message goes on; "complete": it is over, what came behind it is in `rest`; "upgraded": HTTP is over, what
 * came behind is in `rest`; "malformed" and "too-large": nothing more can be read, `problem` says why.
 */
export type ReadState = 'more' | 'complete' | 'upgraded' | 'malformed' | 'too-large';

const NOTHING: Buffer = Buffer.alloc(0);
const VERSION = 'HTTP/';
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const END_OF_HEAD = '\r\n\r\n'.length;
const REASON_AT = 'HTTP/1.1 200 '.length;
/** Of chunks, beyond as many bytes as they have data: Node's limit for one message (RFC 9112 §7.1.1). */
const MOST_EXTENSIONS = 16_384;
/** Size, two line ends and a few zeros of one chunk. */
const CHUNK_FRAMING = 32;
/** What stands between the last thing that has a span and the end of a head without headers. */
const LINE_REST = 64;
/** What most requests ask for: the text is there already. */
const METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS'];

/**
 * Reads messages of HTTP/1.1, one after the other. What a chunk brought is in `head`, `body` and `trailers` until the next
 * `read`: nothing is called back while llhttp runs, so that readers never run within one another.
 */
export class MessageReader implements Portion {
  /** Of the message that began with this chunk or one before; undefined until it is whole. */
  head: MessageHead | undefined = undefined;
  /** Body bytes that this chunk brought, without their framing. */
  body: Buffer[] = [];
  /** Of a message that is complete: names and values in turn. */
  trailers: string[] = [];
  /** What came behind a complete message. */
  rest: Buffer = NOTHING;
  problem = '';
  /** What the message says of the connection after it. */
  shouldKeepAlive = false;
  /** Set before an answer is read whose headers may speak of a body that is not there (to HEAD), or after which HTTP is over (to CONNECT). */
  expects: Expectation = 'body';
  readonly #kind: MessageKind;
  readonly #limits: ReaderLimits;
  readonly #llhttp: Llhttp;
  #chunk: Buffer = NOTHING;
  /** The head so far, in one piece. */
  #raw: Buffer = NOTHING;
  /** Where `#chunk` stands in `#raw`. */
  #offset = 0;
  /** Start and end of names and values in `#raw`, in turn. */
  #spans: number[] = [];
  #urlStart = 0;
  #urlEnd = 0;
  #isValue = true;
  #trailerBytes = 0;
  /** Bytes between the data of chunks, beyond what it explains. */
  #extensionBytes = 0;
  #isOver = false;
  #isLent = false;
  #isUpgrade = false;
  /** llhttp has seen nothing of the message. */
  #isPlain = false;
  /** The message before asked for another protocol, and did not get it. */
  #staysHttp = false;

  constructor(kind: MessageKind, limits: ReaderLimits = DEFAULT_LIMITS) {
    this.#kind = kind;
    this.#limits = limits;
    this.#llhttp = new Llhttp(kind);
  }

  get isLast(): boolean {
    return this.#isOver;
  }

  /** It was given up because its chunks are more framing than data. */
  get isBloated(): boolean {
    return this.#extensionBytes > MOST_EXTENSIONS;
  }

  /** The message asks for another protocol (`Upgrade`, CONNECT). */
  get isUpgrade(): boolean {
    return this.#isUpgrade;
  }

  /** True where nothing of a message has been read; empty lines ahead of it are none of it (RFC 9112 §2.2). */
  get isIdle(): boolean {
    return this.head === undefined && this.#raw.every((byte) => byte === CARRIAGE_RETURN || byte === LINE_FEED);
  }

  /** Makes ready for the next message after a complete one. */
  next(): void {
    this.head = undefined;
    // An idle connection would keep the memory that they lie in: 64 KB for a few bytes.
    if (this.body.length > 0) this.body = [];
    this.#chunk = NOTHING;
    this.#raw = NOTHING;
    this.#spans = [];
    this.#urlEnd = 0;
    this.#isValue = true;
    this.#isOver = false;
    this.#trailerBytes = 0;
    this.#extensionBytes = 0;
    if (this.trailers.length > 0) this.trailers = [];
    if (!this.#isPlain) this.#llhttp.resume();
    this.#isPlain = false;
    this.#staysHttp = this.#isUpgrade;
    this.#isUpgrade = false;
  }

  /** `isLent`: the chunk changes once this returns; what is kept of it, or handed on, is copied. */
  read(chunk: Buffer, isLent = false): ReadState {
    this.#isLent = isLent;
    this.body = [];
    this.rest = NOTHING;
    if (this.#readPlain(chunk)) return 'complete';
    for (let from = 0; from < chunk.length; from += MOST_BYTES) {
      const part = chunk.length <= MOST_BYTES ? chunk : chunk.subarray(from, from + MOST_BYTES);
      const state = this.#execute(part);
      if (state === 'complete' || state === 'upgraded')
        this.rest = this.#own(chunk.subarray(from + this.#llhttp.stoppedAt));
      if (state !== 'more') return state;
    }
    if (isLent && this.head === undefined && this.#offset === 0) this.#raw = Buffer.from(this.#raw);
    return 'more';
  }

  /** The other side has sent its last byte: a body that lasts until then is complete. */
  finish(): 'complete' | 'malformed' {
    this.body = [];
    const code = this.#llhttp.finish();
    this.#take();
    if (this.#isOver && (code === OK || code === PAUSED)) return 'complete';
    this.problem = 'the connection ended in the middle of a message';
    return 'malformed';
  }

  free(): void {
    this.#llhttp.free();
  }

  /** A message of the usual form, in the chunk as a whole. */
  #readPlain(chunk: Buffer): boolean {
    const isFresh = this.head === undefined && this.#raw.length === 0 && !this.#staysHttp && this.expects === 'body';
    if (!isFresh || !plainMessage.read(this.#kind, chunk)) return false;
    const { spans, bodyAt, end } = plainMessage;
    if (bodyAt > this.#limits.headBytes || spans.length > 4 * this.#limits.headers) return false;
    const text = chunk.toString('latin1', 0, bodyAt - END_OF_HEAD);
    const isKept = this.#kind === RESPONSE && !this.#isLent;
    const bytes = isKept ? chunk.subarray(0, bodyAt) : undefined;
    this.head = new MessageHead(plainMessage.startLine(text), new ReceivedFields(text, spans), bytes);
    this.shouldKeepAlive = true;
    if (end > bodyAt) this.body.push(this.#own(chunk.subarray(bodyAt, end)));
    this.rest = this.#own(chunk.subarray(end));
    this.#isPlain = true;
    this.#isOver = true;
    return true;
  }

  #execute(part: Buffer): ReadState {
    this.#chunk = part;
    if (this.head === undefined) {
      this.#offset = this.#raw.length;
      this.#raw = this.#offset === 0 ? part : Buffer.concat([this.#raw, part]);
    }
    const code = this.head === undefined ? this.#parse(part) : this.#parseBody(part);
    const headBytes = this.head === undefined ? this.#raw.length : 0;
    if (
      headBytes > this.#limits.headBytes ||
      this.#trailerBytes > this.#limits.headBytes ||
      this.#spans.length > 4 * this.#limits.headers
    ) {
      this.problem = 'its headers are more than allowed';
      return 'too-large';
    }
    if (this.problem === '' && code === OK) return 'more';
    if (this.problem === '' && code === PAUSED) return 'complete';
    if (this.problem === '' && code === PAUSED_UPGRADE) return 'upgraded';
    if (this.problem === '') this.problem = this.#llhttp.reason;
    return 'malformed';
  }

  /** Extensions of chunks are read past, and would be for ever. What came behind the message is none of it. */
  #parseBody(part: Buffer): number {
    const before = this.body.length;
    const code = this.#parse(part);
    if (this.#isOver || this.trailers.length > 0) return code;
    let explained = 0;
    for (let index = before; index < this.body.length; index += 1)
      explained += 2 * (this.body[index]?.length ?? 0) + CHUNK_FRAMING;
    this.#extensionBytes = Math.max(0, this.#extensionBytes + part.length - explained);
    if (this.isBloated) this.problem = 'its chunks have longer extensions than allowed';
    return code;
  }

  #parse(part: Buffer): number {
    const code = this.#llhttp.execute(part, this.expects);
    this.#take();
    const staysHttp = this.#staysHttp;
    this.#staysHttp = false;
    if (code !== PAUSED_UPGRADE || !staysHttp) return code;
    this.#llhttp.resumeAfterUpgrade();
    const next = this.#llhttp.execute(part, this.expects);
    this.#take();
    return next;
  }

  /** Reads what the parser has found. */
  #take(): void {
    const { found } = this.#llhttp;
    for (let index = 0; index < found; index += FINDING) {
      const first = finding(index + 1);
      const second = finding(index + 2);
      switch (finding(index)) {
        case Found.url:
          this.#url(first, second);
          break;
        case Found.name:
          this.#field(first, second, false);
          break;
        case Found.value:
          this.#field(first, second, true);
          break;
        case Found.head:
          this.#headComplete(first, second);
          break;
        case Found.body:
          this.body.push(this.#own(this.#chunk.subarray(first, first + second)));
          break;
        default:
          this.#isOver = true;
      }
    }
  }

  /** Bytes that stay as they are. */
  #own(bytes: Buffer): Buffer {
    if (bytes.length === 0) return NOTHING;
    return this.#isLent ? Buffer.from(bytes) : bytes;
  }

  #url(at: number, length: number): void {
    if (this.#urlEnd === 0) this.#urlStart = this.#offset + at;
    this.#urlEnd = this.#offset + at + length;
  }

  /** A part of a name or value; one that a chunk cuts in two comes in two. */
  #field(at: number, length: number, isValue: boolean): void {
    if (this.head !== undefined) return this.#trailer(at, length, isValue);
    const start = this.#offset + at;
    if (this.#isValue === isValue && this.#spans.length > 0) this.#spans[this.#spans.length - 1] = start + length;
    else this.#spans.push(start, start + length);
    this.#isValue = isValue;
  }

  #trailer(at: number, length: number, isValue: boolean): void {
    const text = this.#chunk.toString('latin1', at, at + length);
    this.#trailerBytes += length;
    if (this.#trailerBytes > this.#limits.headBytes) return;
    if (this.#isValue === isValue && this.trailers.length > 0)
      this.trailers.push(`${this.trailers.pop() ?? ''}${text}`);
    else this.trailers.push(text);
    this.#isValue = isValue;
  }

  #headComplete(status: number, bits: number): void {
    const spans = this.#spans;
    const end = Math.max(this.#urlEnd, spans.at(-1) ?? 0);
    const text = this.#raw.toString('latin1', 0, spans.length === 0 ? end + LINE_REST : this.#endOfLastLine());
    const start = this.#kind === REQUEST ? this.#requestLine(text) : statusLine(text, status);
    const isKept = this.#kind === RESPONSE && this.#offset === 0 && !this.#isLent && spans.length > 0;
    const bytes = isKept ? this.#raw.subarray(0, text.length + END_OF_HEAD) : undefined;
    this.head = new MessageHead(start, new ReceivedFields(text, spans), bytes);
    this.shouldKeepAlive = (bits & KEEP_ALIVE) !== 0;
    this.#raw = NOTHING;
    this.#isValue = true;
    if (start.httpVersion !== '1.1' && start.httpVersion !== '1.0') this.problem = 'its version is not one of HTTP/1';
    if (end > this.#limits.headBytes) this.#trailerBytes = end;
    this.#isUpgrade = (bits & UPGRADE) !== 0;
  }

  /** Not that of its value: an empty one is found behind its line. */
  #endOfLastLine(): number {
    const spans = this.#spans;
    const isEmpty = spans.at(-1) === spans.at(-2);
    return this.#raw.indexOf(CARRIAGE_RETURN, isEmpty ? spans.at(-3) : spans.at(-1));
  }

  #requestLine(text: string): StartLine {
    const url = text.slice(this.#urlStart, this.#urlEnd);
    const at = text.indexOf(VERSION, this.#urlEnd);
    // Of another protocol's line, which llhttp reads as well, a header must not be taken for the version.
    const isHttp = at === this.#urlEnd + 1 || text.slice(this.#urlEnd, at).trim() === '';
    const method =
      METHODS.find((each) => text.startsWith(each) && this.#urlStart === each.length + 1) ??
      text.slice(0, this.#urlStart).trim();
    return {
      method,
      url,
      status: 0,
      reasonPhrase: '',
      httpVersion: isHttp ? versionAt(text, at + VERSION.length) : '',
    };
  }
}

/** The usual one is there already. */
function versionAt(text: string, at: number): string {
  return text.startsWith('1.1', at) ? '1.1' : text.slice(at, at + '1.1'.length);
}

function statusLine(text: string, status: number): StartLine {
  const from = text.indexOf(VERSION);
  const end = text.indexOf('\r\n', from);
  const httpVersion = versionAt(text, from + VERSION.length);
  return {
    method: '',
    url: '',
    status,
    reasonPhrase:
      status === 200 && text.startsWith('OK\r', from + REASON_AT) ? 'OK' : text.slice(from + REASON_AT, end),
    httpVersion,
  };
}
