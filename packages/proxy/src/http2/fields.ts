import { sensitiveHeaders } from 'node:http2';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';

import { namedByConnection } from '../http1/head-text.ts';
import { MessageHead } from '../http1/head.ts';
import type { StartLine } from '../http1/head.ts';
import type { Portion, ReaderLimits } from '../http1/message-reader.ts';
import { HTTP2_LIMITS } from './limits.ts';

/** The head of a message over HTTP/2, in the form that one of HTTP/1.1 has. */
export class Http2Head extends MessageHead {
  /** Names of headers that are never to be kept in a table for compression (RFC 7541 §7.1.3). */
  readonly sensitive: readonly string[];

  constructor(start: StartLine, rawHeaders: string[], sensitive: readonly string[]) {
    super(start, rawHeaders);
    this.sensitive = sensitive;
  }
}

/** A header block as Node hands it out. */
export interface Block {
  /** Names and values in turn, pseudo-headers among them. */
  readonly raw: readonly string[];
  readonly headers: IncomingHttpHeaders;
}

export interface RequestReading {
  readonly head: Http2Head;
  /** Of names and values, before they were compressed. */
  readonly bytes: number;
  /** Why it is not to be answered as it stands. */
  readonly problem: { readonly status: 400 | 431; readonly reason: string } | undefined;
}

/** What sets requests apart in HTTP/1.1, and must not come out of a value that HTTP/2 carries. */
const BLANK_OR_CONTROL = /[\0- \u007f]/;
const NONE: readonly string[] = [];

/**
 * The head of a request: `:authority` comes as Host, cookies in one header (RFC 9113 §8.2.3). nghttp2 has seen to it that
 * names and values are well-formed, that nothing stands twice that must not, and that no header is of one connection.
 */
export function readRequest({ raw, headers }: Block, limits: ReaderLimits = HTTP2_LIMITS): RequestReading {
  const start = { method: '', url: '', status: 0, reasonPhrase: '', httpVersion: '2' };
  const rawHeaders: string[] = [];
  const [authority, cookies] = [headers[':authority'], [] as string[]];
  if (authority !== undefined) rawHeaders.push('host', authority);
  let bytes = 0;
  let isTwofold = false;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const [name = '', value = ''] = [raw[index], raw[index + 1]];
    bytes += name.length + value.length;
    if (name === ':method') start.method = value;
    else if (name === ':path') start.url = value;
    else if (name === 'cookie') cookies.push(value);
    else if (name === 'host' && authority !== undefined) isTwofold ||= value !== authority;
    else if (!name.startsWith(':')) rawHeaders.push(name, value);
  }
  if (cookies.length > 0) rawHeaders.push('cookie', cookies.join('; '));
  const head = new Http2Head(start, rawHeaders, sensitiveOf(headers));
  return { head, bytes, problem: problemOf({ head, bytes, isTwofold }, limits) };
}

interface Found {
  readonly head: Http2Head;
  readonly bytes: number;
  readonly isTwofold: boolean;
}

function problemOf({ head, bytes, isTwofold }: Found, limits: ReaderLimits): RequestReading['problem'] {
  if (bytes > limits.headBytes || head.rawHeaders.length > 2 * limits.headers)
    return { status: 431, reason: 'its headers are more than allowed' };
  // RFC 9113 §8.3.1: a Host beside the authority must say the same.
  if (isTwofold) return { status: 400, reason: 'Host and :authority are not the same' };
  return BLANK_OR_CONTROL.test(head.url) ? { status: 400, reason: 'its path is malformed' } : undefined;
}

/** The head of an answer. */
export function readResponse({ raw, headers }: Block, reasonPhrase: string): Http2Head {
  const status = Number(headers[':status'] ?? 0);
  const start = { method: '', url: '', status, reasonPhrase, httpVersion: '2' };
  return new Http2Head(start, withoutPseudo(raw), sensitiveOf(headers));
}

/** Names and values without the pseudo-headers. */
export function withoutPseudo(raw: readonly string[]): string[] {
  const fields: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (!name.startsWith(':')) fields.push(name, raw[index + 1] ?? '');
  }
  return fields;
}

/** Headers that are about one connection, for which HTTP/2 has other ways (RFC 9113 §8.2.2), and Host, which `:authority` is. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
]);

/** `pseudo`, and behind it the headers of a message as they are sent on. */
export function blockOf(pseudo: readonly string[], head: MessageHead): readonly string[] {
  const block = [...pseudo];
  const { rawHeaders, httpVersion } = head;
  const named = httpVersion === '2' ? undefined : namedByConnection(rawHeaders);
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    if (LEFT_OUT.has(name) || named?.has(name) === true) continue;
    if (name !== 'te') block.push(name, value);
    else if (value.toLowerCase() === 'trailers') block.push('te', 'trailers');
  }
  if (head instanceof Http2Head && head.sensitive.length > 0)
    Object.assign(block, { [sensitiveHeaders]: [...head.sensitive] });
  return block;
}

function sensitiveOf(headers: IncomingHttpHeaders): readonly string[] {
  return (Reflect.get(headers, sensitiveHeaders) as readonly string[] | undefined) ?? NONE;
}

/** Whether a message is to be sent with trailers to come: those of one that says its length are left out (RFC 9110 §6.5.1). */
export function mayHaveTrailers(head: MessageHead, { isLast, trailers }: Portion): boolean {
  return trailers.length > 0 || (!isLast && !head.has('content-length'));
}

/** Names and values in turn as an object: what Node takes trailers and informational answers in. */
export function objectOf(fields: readonly string[]): OutgoingHttpHeaders {
  // A trailer may be called "constructor".
  const named = Object.create(null) as Record<string, string | string[]>;
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = (fields[index] ?? '').toLowerCase();
    if (LEFT_OUT.has(name) || name.startsWith(':')) continue;
    const value = fields[index + 1] ?? '';
    const before = named[name];
    named[name] = before === undefined ? value : [before, value].flat();
  }
  return named;
}

/** The value of a header, undefined where it is not there. `lowerCase` is its name. */
export function fieldOf(fields: readonly string[], lowerCase: string): string | undefined {
  for (let index = 0; index + 1 < fields.length; index += 2)
    if (fields[index]?.toLowerCase() === lowerCase) return fields[index + 1];
  return undefined;
}
