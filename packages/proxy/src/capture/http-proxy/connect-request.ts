import type { Destination } from '../captured-connection.ts';
import { hostOf } from '../opening/host-name.ts';
import type { Parsed } from '../opening/opening.ts';

/** What the first bytes at the port of an HTTP proxy ask for. */
export type ProxyRequest =
  | { readonly kind: 'connect'; readonly destination: Destination }
  /** Another method: a request with the URL in its first line, of which nothing was taken. */
  | { readonly kind: 'http' };

const METHOD = Buffer.from('CONNECT ');
const END = '\r\n\r\n';
const OTHER: Parsed<ProxyRequest> = { kind: 'done', value: { kind: 'http' }, length: 0 };

/** RFC 9112 §3.2.3: the authority form, with its port. */
const REQUEST_LINE = /^CONNECT (?:\[(?<six>[\da-fA-F:.]+)\]|(?<name>[\w.-]+)):(?<port>\d{1,5}) HTTP\/1\.[01]$/;
/** RFC 9112 §5: no space before the colon, no folding, no control characters. */
const FIELD = /^[!#$%&'*+.^_`|~\w-]+:[\t\u0020-\u007e\u0080-\u00ff]*$/;
/** A CONNECT request has no body (RFC 9110 §9.3.6); what says otherwise hides something. */
const FRAMING = /^(?:content-length|transfer-encoding)[\t ]*:/i;

/** Reads the head of a CONNECT request (RFC 9110 §9.3.6), and only of such a one. */
export function parseProxyRequest(bytes: Buffer): Parsed<ProxyRequest> {
  const known = Math.min(bytes.length, METHOD.length);
  if (METHOD.compare(bytes, 0, known, 0, known) !== 0) return OTHER;
  const end = bytes.indexOf(END);
  if (end === -1) return { kind: 'more' };
  const [requestLine = '', ...fields] = bytes.toString('latin1', 0, end).split('\r\n');
  const destination = destinationOf(requestLine);
  if (destination === undefined) return { kind: 'bad', reason: 'its first line must be "CONNECT host:port HTTP/1.1"' };
  for (const field of fields) {
    if (!FIELD.test(field)) return { kind: 'bad', reason: 'it has a malformed header' };
    if (FRAMING.test(field)) return { kind: 'bad', reason: 'a CONNECT request has no body' };
  }
  return { kind: 'done', value: { kind: 'connect', destination }, length: end + END.length };
}

function destinationOf(requestLine: string): Destination | undefined {
  const { six, name, port: digits } = REQUEST_LINE.exec(requestLine)?.groups ?? {};
  const host = hostOf(six ?? name ?? '');
  const port = Number(digits);
  const isAsWritten = host?.includes(':') === (six !== undefined);
  return host !== undefined && isAsWritten && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}
