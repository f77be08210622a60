import type { RequestMessage } from './message.ts';

/** What the mesh says of a request to whoever reads its headers. */
const OF_THE_MESH = ['x-forwarded-client-cert', 'x-request-id'] as const;

/**
 * Every header with all its values, for policies: as received, and with what the mesh has set, which Node leaves out of
 * this view because it makes it from what was received.
 */
export function distinctHeaders(request: RequestMessage): RequestMessage['headersDistinct'] {
  const { headers, headersDistinct } = request;
  for (const name of OF_THE_MESH) {
    const value = headers[name];
    if (typeof value === 'string') headersDistinct[name] ??= [value];
  }
  return headersDistinct;
}

/** The text of a header as Node joins it; undefined where it is not there. `name` is in lower case. */
export function headerText(request: RequestMessage, name: string): string | undefined {
  if (request.access !== undefined) return request.access.text(name);
  return joinedText(request.headers[name]);
}

/** What Node gives for a header as one text. */
export function joinedText(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.join(', ');
}

/** Whether a header has a name of one of these lengths: most messages need no closer look. */
export function hasNameOf({ rawHeaders }: RequestMessage, one: number, another: number): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const length = rawHeaders[index]?.length;
    if (length === one || length === another) return true;
  }
  return false;
}

export const PROTOTYPE = '__proto__';

/**
 * Makes `headersDistinct` readable whatever the caller sent: in Node before March 2026 it throws for a message with a header
 * named `__proto__` (CVE-2026-21710), which would end the process. Comes before anything reads it.
 */
export function guardHeaders(request: RequestMessage): void {
  const { rawHeaders } = request;
  let isFound = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    isFound ||= name?.length === PROTOTYPE.length && name.toLowerCase() === PROTOTYPE;
  }
  if (!isFound) return;
  const distinct = Object.create(null) as Record<string, string[]>;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    (distinct[name] ??= []).push(rawHeaders[index + 1] ?? '');
  }
  request.headersDistinct = distinct;
}

/** Takes a header out of all three views that Node gives of a message's headers. `name` is in lower case. */
export function dropHeader(request: RequestMessage, name: string): void {
  // Made by Node at its first use, from as many raw headers as were received: it must be made before any is taken out.
  delete request.headersDistinct[name];
  delete request.headers[name];
  const { rawHeaders } = request;
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    if (rawHeaders[index]?.toLowerCase() === name) rawHeaders.splice(index, 2);
  }
}

/**
 * Takes a header out in every spelling that CGI and what follows it (WSGI, Rack, PHP) make one of: "_" for "-" (RFC 3875
 * §4.1.18). `name` is in lower case.
 */
export function dropSpellings(request: RequestMessage, name: string): void {
  const spellings = new Set<string>();
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const each = request.rawHeaders[index] ?? '';
    if (each.length === name.length && each.toLowerCase().replaceAll('_', '-') === name)
      spellings.add(each.toLowerCase());
  }
  for (const each of spellings) dropHeader(request, each);
}

/** Gives a header one value, whatever it had, in all three views. `name` is in lower case. */
export function setHeader(request: RequestMessage, name: string, value: string): void {
  dropHeader(request, name);
  request.headersDistinct[name] = [value];
  if (name === 'set-cookie') request.headers['set-cookie'] = [value];
  else request.headers[name] = value;
  request.rawHeaders.push(name, value);
}

/** Every value of a header, in order. `name` is in lower case. */
export function headerValues(request: RequestMessage, name: string): readonly string[] {
  const distinct = distinctHeaders(request);
  // Some Nodes give it a prototype, where a "constructor" can be found.
  return Object.hasOwn(distinct, name) ? (distinct[name] ?? NO_VALUES) : NO_VALUES;
}

const NO_VALUES: readonly string[] = [];

/** Gives the one Host header of a message another value, in all three views. */
export function replaceHost(request: RequestMessage, host: string): void {
  request.headers.host = host;
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (isHost(rawHeaders[index])) rawHeaders[index + 1] = host;
  }
  if (request.headersDistinct['host'] !== undefined) request.headersDistinct['host'] = [host];
}

/** RFC 9112 §3.2: a message with more than one Host is no request; which one is meant would be anybody's guess. */
export function hasSeveralHosts(request: RequestMessage): boolean {
  if (request.access !== undefined) return request.access.hasSeveral('host');
  const { rawHeaders } = request;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (isHost(rawHeaders[index])) hosts += 1;
  }
  return hosts > 1;
}

function isHost(name: string | undefined): boolean {
  return name?.length === 4 && name.toLowerCase() === 'host';
}
