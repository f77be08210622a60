import { REQUEST } from './llhttp.ts';
import type { MessageKind } from './llhttp.ts';
import type { StartLine } from '../head.ts';

/** What may stand where, by bits: less than the standard allows, and nothing that two parsers could read differently. */
const NAME = 1;
const VALUE = 2;
const TARGET = 4;
const DIGIT = 8;
const HOST = 16;
const allowed = new Uint8Array(256);
for (let code = 0x20; code < 0x7f; code += 1) {
  const char = String.fromCharCode(code);
  const isName = /[\w!#$%&'*+.^`|~-]/.test(char);
  const isTarget = /[\w.~!$&'()*+,;=:@/?%-]/.test(char);
  const isHost = /[a-z\d.-]/i.test(char);
  allowed[code] =
    VALUE | (isName ? NAME : 0) | (isTarget ? TARGET : 0) | (/\d/.test(char) ? DIGIT : 0) | (isHost ? HOST : 0);
}

const SPACE = 0x20;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const COLON = 0x3a;
const SLASH = 0x2f;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_CASE = 0x20;

/** What a client says to a proxy before the host (RFC 9112 §3.2.2). */
const SCHEME: Buffer = Buffer.from('http://', 'latin1');
const VERSION: Buffer = Buffer.from('HTTP/1.1', 'latin1');
const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS'].map((name) => ({
  name,
  bytes: Buffer.from(`${name} `, 'latin1'),
}));
const STATUS_AT = 'HTTP/1.1 '.length;
const CONTENT_LENGTH: Buffer = Buffer.from('content-length', 'latin1');
const CONNECTION: Buffer = Buffer.from('connection', 'latin1');
const KEEP_ALIVE: Buffer = Buffer.from('keep-alive', 'latin1');
const UPGRADE: Buffer = Buffer.from('upgrade', 'latin1');
const PROXY_CONNECTION: Buffer = Buffer.from('proxy-connection', 'latin1');
const TRANSFER_ENCODING: Buffer = Buffer.from('transfer-encoding', 'latin1');
const REASON_AT = STATUS_AT + '200 '.length;
const LONGEST_HEAD = 8192;
const MOST_HEADERS = 64;
/** Of Content-Length; longer bodies than these digits can say come in more pieces than one. */
const MOST_DIGITS = 6;
const NOT_SAID = -1;
/** Answers of these never have a body, whatever they say (RFC 9110 §6.4.1). */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);

/** What becomes of a header that says something of the message itself. */
type Meaning = 'none' | 'length' | 'connection' | 'other';

/**
 * Reads messages of the plainest form: one that has come whole, in HTTP/1.1, with its length said once or no body, on a
 * connection that stays. What it found is valid until the next `read`. It knows nothing of any other form, and says so: the
 * same bytes are then llhttp's from their beginning, which decides what is a message at all. What is read here llhttp reads
 * the same way; a test holds the two together.
 */
class PlainMessage {
  /** Start and end of names and values, in turn. */
  spans: number[] = [];
  /** Where the body begins, behind the empty line. */
  bodyAt = 0;
  /** Where the message ends. */
  end = 0;
  #length = NOT_SAID;
  /** Of a request, else "". */
  #method = '';
  /** Where the target of a request begins and ends. */
  #targetAt = 0;
  #targetEnd = 0;
  /** Of an answer, else 0. */
  #status = 0;

  /** False where the bytes do not begin with such a message. */
  read(kind: MessageKind, bytes: Buffer): boolean {
    this.#length = NOT_SAID;
    this.#method = '';
    this.#status = 0;
    const at = kind === REQUEST ? this.#requestLine(bytes) : this.#statusLine(bytes);
    if (at === 0 || !this.#headers(bytes, at)) return false;
    if (this.#length === NOT_SAID && kind !== REQUEST) return false;
    this.end = this.bodyAt + Math.max(0, this.#length);
    return this.end <= bytes.length;
  }

  /** `text`: the head that was read. */
  startLine(text: string): StartLine {
    const status = this.#status;
    const url = status === 0 ? text.slice(this.#targetAt, this.#targetEnd) : '';
    const reason = status === 0 ? '' : text.slice(REASON_AT, (this.spans[0] ?? 0) - 2);
    return { method: this.#method, url, status, reasonPhrase: reason, httpVersion: '1.1' };
  }

  /** Returns where the headers begin; 0 where it is no such line. */
  #requestLine(bytes: Buffer): number {
    const method = METHODS.find((each) => startsWith(bytes, each.bytes, 0));
    if (method === undefined) return 0;
    this.#method = method.name;
    this.#targetAt = method.bytes.length;
    const path = pathAt(bytes, this.#targetAt);
    if (path === 0) return 0;
    const end = skip(bytes, path, TARGET);
    this.#targetEnd = end;
    return bytes[end] === SPACE && startsWith(bytes, VERSION, end + 1) ? lineEnd(bytes, end + 1 + VERSION.length) : 0;
  }

  #statusLine(bytes: Buffer): number {
    if (!startsWith(bytes, VERSION, 0) || bytes[VERSION.length] !== SPACE) return 0;
    const status = numberAt(bytes, STATUS_AT, STATUS_AT + 3);
    if (!(status >= 200 && status <= 599) || BODILESS.has(status) || bytes[STATUS_AT + 3] !== SPACE) return 0;
    this.#status = status;
    return lineEnd(bytes, skip(bytes, STATUS_AT + 4, VALUE));
  }

  #headers(bytes: Buffer, first: number): boolean {
    const spans: number[] = [];
    let at = first;
    while (at < LONGEST_HEAD && bytes[at] !== CARRIAGE_RETURN) {
      const nameEnd = skip(bytes, at, NAME);
      const valueAt = bytes[nameEnd + 1] === SPACE ? nameEnd + 2 : nameEnd + 1;
      const valueEnd = skip(bytes, valueAt, VALUE);
      const next = lineEnd(bytes, valueEnd);
      const isSpaced = bytes[valueAt] === SPACE || bytes[valueEnd - 1] === SPACE;
      if (next === 0 || nameEnd === at || bytes[nameEnd] !== COLON || valueEnd === valueAt || isSpaced) return false;
      const meaning = meaningOf(bytes, at, nameEnd);
      if (meaning !== 'none' && !this.#heeds(meaning, bytes, valueAt)) return false;
      spans.push(at, nameEnd, valueAt, valueEnd);
      at = next;
    }
    this.spans = spans;
    this.bodyAt = lineEnd(bytes, at);
    if (this.bodyAt === 0 || this.bodyAt > LONGEST_HEAD) return false;
    return spans.length > 0 && spans.length <= 4 * MOST_HEADERS;
  }

  /** False where the message takes a closer look. */
  #heeds(meaning: Meaning, bytes: Buffer, valueAt: number): boolean {
    if (meaning === 'connection')
      return isNamed(bytes, valueAt, KEEP_ALIVE) && lineEnd(bytes, valueAt + KEEP_ALIVE.length) > 0;
    if (meaning !== 'length' || this.#length !== NOT_SAID) return false;
    const end = skip(bytes, valueAt, DIGIT);
    if (lineEnd(bytes, end) === 0 || end - valueAt > MOST_DIGITS) return false;
    this.#length = numberAt(bytes, valueAt, end);
    return true;
  }
}

/** One for all: nothing is called back while it reads. */
export const plainMessage: PlainMessage = new PlainMessage();

function meaningOf(bytes: Buffer, at: number, end: number): Meaning {
  switch (end - at) {
    case CONTENT_LENGTH.length:
      return isNamed(bytes, at, CONTENT_LENGTH) ? 'length' : 'none';
    case CONNECTION.length:
      return isNamed(bytes, at, CONNECTION) ? 'connection' : 'none';
    case UPGRADE.length:
      return isNamed(bytes, at, UPGRADE) ? 'other' : 'none';
    case PROXY_CONNECTION.length:
      return isNamed(bytes, at, PROXY_CONNECTION) ? 'connection' : 'none';
    case TRANSFER_ENCODING.length:
      return isNamed(bytes, at, TRANSFER_ENCODING) ? 'other' : 'none';
    default:
      return 'none';
  }
}

/** Where the path of a target begins: at once, or behind a scheme, a name and perhaps a port. 0 where it is another kind of target. */
function pathAt(bytes: Buffer, at: number): number {
  if (bytes[at] === SLASH) return at;
  const host = at + SCHEME.length;
  if (!startsWith(bytes, SCHEME, at)) return 0;
  const end = skip(bytes, host, HOST);
  if (end === host) return 0;
  const port = bytes[end] === COLON ? skip(bytes, end + 1, DIGIT) : end;
  return bytes[port] === SLASH && port !== end + 1 ? port : 0;
}

/** Whether these letters stand there, large or small. Neither of the two characters that are no letters and end up as "-" may stand in a name. */
function isNamed(bytes: Buffer, at: number, name: Buffer): boolean {
  for (let index = 0; index < name.length; index += 1)
    if (((bytes[at + index] ?? 0) | LOWER_CASE) !== name[index]) return false;
  return true;
}

function startsWith(bytes: Buffer, start: Buffer, at: number): boolean {
  for (let index = 0; index < start.length; index += 1) if (bytes[at + index] !== start[index]) return false;
  return true;
}

/** Where characters of that kind end. */
function skip(bytes: Buffer, from: number, kind: number): number {
  let at = from;
  while (((allowed[bytes[at] ?? 0] ?? 0) & kind) !== 0) at += 1;
  return at;
}

/** Behind a line end; 0 where there is none. */
function lineEnd(bytes: Buffer, at: number): number {
  return bytes[at] === CARRIAGE_RETURN && bytes[at + 1] === LINE_FEED ? at + 2 : 0;
}

/** Of digits; NaN where there is another character. */
function numberAt(bytes: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = bytes[at] ?? 0;
    value = digit >= ZERO && digit <= NINE ? 10 * value + digit - ZERO : Number.NaN;
  }
  return value;
}
