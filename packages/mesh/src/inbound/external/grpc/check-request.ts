import { create, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { CheckRequestSchema } from '@rampart/wire/ext-authz';
import type { AttributeContextSchema } from '@rampart/wire/ext-authz';

import type { CallEnd, HttpCall } from '../call.ts';
import { joinedHeaders } from '../raw-headers.ts';
import { PARTIAL_BODY_HEADER } from '../transport.ts';
import type { Check } from '../transport.ts';

type Attributes = MessageInitShape<typeof AttributeContextSchema>;
type PeerInit = NonNullable<Attributes['source']>;
type HttpInit = NonNullable<NonNullable<Attributes['request']>['http']>;

const utf8 = new TextDecoder();

/** The CheckRequest of one call in binary, filled as Envoy fills it (`check_request_utils.cc`). */
export function encodeCheckRequest(check: Check): Uint8Array {
  const { source, destination, http } = check.call;
  const attributes: Attributes = { source: peer(source), destination: peer(destination) };
  if (http !== undefined) {
    const time = { seconds: BigInt(Math.floor(http.startedAt / 1000)), nanos: (http.startedAt % 1000) * 1_000_000 };
    attributes.request = { time: { ...time, nanos: Math.floor(time.nanos) }, http: httpRequest(http, check) };
  }
  return toBinary(CheckRequestSchema, create(CheckRequestSchema, { attributes }));
}

function peer({ principal, address, port }: CallEnd): PeerInit {
  const socketAddress = { address, portSpecifier: { case: 'portValue' as const, value: port } };
  return { principal, address: { address: { case: 'socketAddress', value: socketAddress } } };
}

function httpRequest(http: HttpCall, { provider, body }: Check): HttpInit {
  const { requestId, method, target, host, scheme, protocol } = http;
  const request: HttpInit = { id: requestId, method, path: text(target), host: text(host), scheme, protocol };
  request.headers = headersOf(http);
  request.size = sizeOf(http, body?.bytes.length);
  if (body === undefined) return request;
  request.headers[PARTIAL_BODY_HEADER] = String(!body.complete);
  if (provider.includeRequestBodyInCheck?.packAsBytes === true) request.rawBody = body.bytes;
  else request.body = clean(utf8.decode(body.bytes));
  return request;
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
