import type { MessageHead } from './head.ts';
import { REASON_PHRASES } from './reason-phrases.ts';

/** How the end of a body is told (RFC 9112 §6). */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** Headers that are about one connection and go no further (RFC 9110 §7.6.1), by their lengths: most names need no second look. */
const OF_THE_CONNECTION: ReadonlyMap<number, readonly string[]> = new Map([
  [2, ['te']],
  [7, ['upgrade']],
  [10, ['connection', 'keep-alive']],
  [16, ['proxy-connection']],
  [17, ['transfer-encoding']],
  [19, ['proxy-authorization']],
]);
const CONNECTION = 'connection';
const CONTENT_LENGTH = 'content-length';

export interface HeadText {
  readonly framing: Framing;
  /** The connection is to be closed behind the message. */
  readonly isLast: boolean;
  /** The message takes the connection to another protocol: the headers that say so stay. */
  readonly isUpgrade: boolean;
}

/** The head of a request as it is sent on, with its end. */
export function requestText(head: MessageHead, how: HeadText): string {
  return `${head.method} ${head.url} HTTP/1.1\r\n${head.lines(how)}\r\n`;
}

/** The head of an answer as it is sent on, with its end. */
export function responseText(head: MessageHead, how: HeadText): string {
  return `HTTP/1.1 ${head.status} ${head.reasonPhrase}\r\n${head.lines(how)}\r\n`;
}

/** An answer of the proxy's own. `headers` are names and values in turn. */
export function ownResponseText(status: number, headers: readonly string[], isLast: boolean): string {
  let text = `HTTP/1.1 ${status} ${REASON_PHRASES[status] ?? ''}\r\n`;
  for (let index = 0; index + 1 < headers.length; index += 2)
    text += `${headers[index] ?? ''}: ${headers[index + 1] ?? ''}\r\n`;
  return `${text}${isLast ? 'connection: close\r\n' : ''}\r\n`;
}

/** Header lines as they are sent on, one by one. */
export function fields(rawHeaders: readonly string[], how: HeadText): string {
  const { framing, isUpgrade } = how;
  const named = namedByConnection(rawHeaders);
  let text = '';
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (isOfTheConnection(name) && !(isUpgrade && name.length === 'upgrade'.length)) continue;
    if (named?.has(name.toLowerCase()) === true) continue;
    if (framing === 'chunked' && isNamed(name, CONTENT_LENGTH)) continue;
    text += `${name}: ${rawHeaders[index + 1] ?? ''}\r\n`;
  }
  return text + endOfLines(how);
}

/** What a message says of the connection that it is sent on. */
export function endOfLines({ framing, isLast, isUpgrade }: HeadText): string {
  const coding = framing === 'chunked' ? 'transfer-encoding: chunked\r\n' : '';
  if (isUpgrade) return `${coding}connection: upgrade\r\n`;
  return isLast ? `${coding}connection: close\r\n` : coding;
}

function isOfTheConnection(name: string): boolean {
  const candidates = OF_THE_CONNECTION.get(name.length);
  return candidates?.includes(name.toLowerCase()) === true;
}

function isNamed(name: string, lowerCase: string): boolean {
  return name.length === lowerCase.length && name.toLowerCase() === lowerCase;
}

/** Whether a header is there. `lowerCase` is its name in lower case. */
export function hasHeader(rawHeaders: readonly string[], lowerCase: string): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (isNamed(rawHeaders[index] ?? '', lowerCase)) return true;
  return false;
}

/** The further headers that Connection declares its own; those that a proxy relies on are never among them. */
export function namedByConnection(rawHeaders: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (!isNamed(rawHeaders[index] ?? '', CONNECTION)) continue;
    for (const option of (rawHeaders[index + 1] ?? '').toLowerCase().split(',')) {
      const name = option.trim();
      if (name !== 'close' && name !== 'keep-alive' && name !== '' && !NEVER_HOP_BY_HOP.has(name))
        (named ??= new Set()).add(name);
    }
  }
  return named;
}

/**
 * Takes out of a request the headers that Connection declares its own. Comes before anybody judges it or adds to it: on its way
 * out, what an authorizer or a token has put there under the same name would be lost, and a caller would have decided that.
 */
export function dropNominated(head: MessageHead): void {
  const connection = head.text(CONNECTION);
  if (connection === undefined) return;
  const named = namedByConnection([CONNECTION, connection]);
  if (named === undefined) return;
  for (const name of named) head.remove(name);
  const options = connection.split(',').filter((option) => !named.has(option.trim().toLowerCase()));
  head.replace(CONNECTION, options.join().trim());
}

/** A caller must not talk a proxy out of what policies and identities rest on, or out of telling that there is a body. */
const NEVER_HOP_BY_HOP: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'authorization',
  'cookie',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-request-id',
  'traceparent',
  'upgrade',
]);
