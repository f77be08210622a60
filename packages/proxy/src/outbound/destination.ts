import type { MessageHead } from '../http1/head.ts';

/** Where a request is to go. */
export interface Destination {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  /** 0 where none was named. */
  readonly port: number;
}

const HTTP_PORT = 80;
const ABSOLUTE = /^http:\/\/([^/?#@]+)(?=[/?#]|$)/i;
const AUTHORITY = /^(?:\[([\dA-Fa-f:.]+)\]|([\w.~!$&'()*+,;=-]+))(?::(\d{1,5}))?$/;

/**
 * Where a request wants to go, by its target in the form for proxies (RFC 9112 §3.2.2), its Host, or where its connection
 * was captured on the way to. A target in absolute form is left in origin form, with its authority as Host.
 */
export function destinationOf(head: MessageHead, captured: Destination | undefined): Destination | undefined {
  const absolute = head.url.startsWith('/') ? undefined : ABSOLUTE.exec(head.url);
  if (absolute?.[1] !== undefined) {
    const rest = head.url.slice(absolute[0].length);
    head.url = rest.startsWith('/') ? rest : `/${rest}`;
    replaceHost(head, absolute[1]);
    return captured ?? readAuthority(absolute[1]);
  }
  if (captured !== undefined && !head.has('host')) head.add('host', authorityOf(captured));
  return captured ?? readAuthority(head.text('host') ?? '');
}

/** What a caller of HTTP/1.0 need not say, and HTTP/1.1, in which its request goes on, has to. */
function authorityOf({ host, port }: Destination): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === 0 || port === HTTP_PORT ? name : `${name}:${port}`;
}

/** What was read last: a connection asks for the same again and again. */
let last: { readonly text: string; readonly destination: Destination } | undefined;

function readAuthority(text: string): Destination | undefined {
  if (last?.text === text) return last.destination;
  const parts = AUTHORITY.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  if (host === undefined) return undefined;
  last = { text, destination: { host, port: Number(parts?.[3] ?? 0) } };
  return last.destination;
}

function replaceHost(head: MessageHead, host: string): void {
  if (!head.has('host')) return head.add('host', host);
  const { rawHeaders, headers } = head;
  headers.host = host;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === 'host') rawHeaders[index + 1] = host;
}
