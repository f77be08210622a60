import { isResponse } from './message.ts';
import type { HttpMessage, HttpRequest } from './message.ts';
import type { Component } from './component.ts';

const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ['https:', ':443'],
  ['http:', ':80'],
]);

/** The value of a derived component (RFC 9421 §2.2); undefined when this message has none. */
export function derivedValue({ name, parameters }: Component, message: HttpMessage): string | undefined {
  if (isResponse(message)) return name === '@status' ? String(message.status) : undefined;
  const url = URL.canParse(message.url) ? new URL(message.url) : undefined;
  if (url === undefined) return undefined;
  switch (name) {
    case '@method':
      return message.method;
    case '@target-uri':
      return message.url;
    case '@authority':
      return authorityOf(url);
    case '@scheme':
      return url.protocol.slice(0, -1);
    case '@path':
      return rawPath(message);
    case '@query':
      return rawQuery(message);
    case '@request-target':
      return `${rawPath(message)}${rawQuery(message) === '?' ? '' : rawQuery(message)}`;
    case '@query-param':
      return queryParameter(url, parameters.get('name'));
    default:
      return undefined;
  }
}

/** RFC 9421 §2.2.3: the host in lower case, without the port that is the scheme's own. */
function authorityOf(url: URL): string {
  const port = DEFAULT_PORTS.get(url.protocol);
  const { host } = url;
  return port !== undefined && host.endsWith(port) ? host.slice(0, -port.length) : host;
}

const PARTS = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^?#]*)(\?[^#]*)?/i;

/** As sent: a parser of URLs would resolve dots and escape characters, and both ends would have to do it alike. */
function rawPath({ url }: HttpRequest): string {
  const path = PARTS.exec(url)?.[1] ?? '';
  return path === '' ? '/' : path;
}

/** With its "?", which stands alone where there is no query (RFC 9421 §2.2.7). */
function rawQuery({ url }: HttpRequest): string {
  return PARTS.exec(url)?.[2] ?? '?';
}

/** RFC 9421 §2.2.8: a parameter that is there more than once has no value of its own. */
function queryParameter({ searchParams }: URL, name: unknown): string | undefined {
  if (typeof name !== 'string') return undefined;
  const values = searchParams.getAll(decoded(name));
  return values.length === 1 ? encodeStrictly(values[0] ?? '') : undefined;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Percent-encoding of the URL standard's form: "application/x-www-form-urlencoded", with %20 for a space. */
function encodeStrictly(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
