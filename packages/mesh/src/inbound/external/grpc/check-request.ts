import { CheckRequest } from '@rampart/wire/ext-authz';
import type { AttributeContext_HttpRequest, AttributeContext_Peer } from '@rampart/wire/ext-authz';

import type { CallEnd, HttpCall } from '../call.ts';
import { joinedHeaders } from '../raw-headers.ts';
import { PARTIAL_BODY_HEADER } from '../transport.ts';
import type { Check } from '../transport.ts';

const utf8 = new TextDecoder();
const NO_BYTES = new Uint8Array();

/** The CheckRequest of one call in binary, filled as Envoy fills it (`check_request_utils.cc`). */
export function encodeCheckRequest(check: Check): Uint8Array {
  const { source, destination, http } = check.call;
  const request = http === undefined ? undefined : { time: new Date(http.startedAt), http: httpRequest(http, check) };
  const attributes = { source: peer(source), destination: peer(destination), request, contextExtensions: {} };
  return CheckRequest.encode({ attributes }).finish();
}

function peer({ principal, address, port }: CallEnd): AttributeContext_Peer {
  const value = { address, portSpecifier: { $case: 'portValue' as const, value: port } };
  return { principal, address: { address: { $case: 'socketAddress', value } } };
}

function httpRequest(http: HttpCall, { provider, body }: Check): AttributeContext_HttpRequest {
  const { requestId, method, target, host, scheme, protocol } = http;
  const headers = headersOf(http);
  if (body !== undefined) headers[PARTIAL_BODY_HEADER] = String(!body.complete);
  const isPacked = provider.includeRequestBodyInCheck?.packAsBytes === true;
  return {
    id: requestId,
    method,
    path: text(target),
    host: text(host),
    scheme,
    protocol,
    headers,
    size: sizeOf(http, body?.bytes.length),
    body: body === undefined || isPacked ? '' : clean(utf8.decode(body.bytes)),
    rawBody: body !== undefined && isPacked ? body.bytes : NO_BYTES,
  };
}

/** In lower case, with HTTP/2's pseudo-headers, and the authority among them instead of Host. */
function headersOf(http: HttpCall): Record<string, string> {
  const headers = new Map<string, string>([
    [':authority', text(http.host)],
    [':method', http.method],
    [':path', text(http.target)],
    [':scheme', http.scheme],
  ]);
  for (const [name, value] of joinedHeaders(http.rawHeaders)) {
    if (name !== 'host' && name !== 'connection' && name !== 'keep-alive' && name !== 'transfer-encoding') {
      headers.set(name, text(value));
    }
  }
  return Object.fromEntries(headers);
}

function sizeOf(http: HttpCall, peeked: number | undefined): bigint {
  const declared = joinedHeaders(http.rawHeaders).get('content-length');
  if (declared !== undefined && /^\d{1,15}$/.test(declared)) return BigInt(declared);
  if (peeked !== undefined) return BigInt(peeked);
  return http.peekBody === undefined ? 0n : -1n;
}

/** Node gives the bytes of headers as characters; protobuf has UTF-8 (Envoy `sanitizeUtf8String`). */
function text(value: string): string {
  return clean(utf8.decode(Buffer.from(value, 'latin1')));
}

function clean(value: string): string {
  return value.replaceAll('�', '!');
}
