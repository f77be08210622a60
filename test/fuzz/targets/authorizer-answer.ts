import assert from 'node:assert/strict';
import { validateHeaderName, validateHeaderValue } from 'node:http';

import { create, toBinary } from '@bufbuild/protobuf';
import { CheckResponseSchema } from '@rampart/wire/ext-authz-service';

import { failed } from '../../../packages/mesh/src/inbound/external/answer.ts';
import { decodeCheckResponse } from '../../../packages/mesh/src/inbound/external/grpc/check-response.ts';
import { describeStatus, unframeMessage } from '../../../packages/mesh/src/inbound/external/grpc/grpc-message.ts';
import { changeQuery } from '@rampart/mesh';

import { outcome, textOf, type FuzzTarget } from '../engine/target.ts';

const ok = create(CheckResponseSchema, {
  status: { code: 0 },
  httpResponse: {
    case: 'okResponse',
    value: {
      headers: [{ header: { key: 'x-user', value: 'u' } }, { header: { key: 'X-Add', value: 'v' }, append: true }],
      headersToRemove: ['x-internal', 'Host'],
      responseHeadersToAdd: [{ header: { key: 'x-out', value: 'é' } }],
      queryParametersToSet: [{ key: 'a', value: 'b%20c' }],
      queryParametersToRemove: ['d'],
    },
  },
});
const denied = create(CheckResponseSchema, {
  status: { code: 7, message: 'no' },
  httpResponse: {
    case: 'deniedResponse',
    value: { status: { code: 401 }, headers: [{ header: { key: 'www-authenticate', value: 'Bearer' } }], body: 'no' },
  },
});

/** What an external authorizer answers over gRPC: a CheckResponse, framed or not. */
export const authorizerAnswer: FuzzTarget = {
  name: 'authorizer-answer',
  form: 'bytes',
  seeds: [
    toBinary(CheckResponseSchema, ok),
    toBinary(CheckResponseSchema, denied),
    Uint8Array.of(),
    Buffer.from('14 %E0%A4%A'),
  ],
  words: ['host', 'content-length', 'transfer-encoding', ':path', '\r\n', '\n', '\u0000', '%0a', '%', ' ', 'é'],
  run: (input) => {
    assert.match(failed(describeStatus('14', textOf(input))).reason, ONE_LINE, 'a status of several lines');
    unframeMessage(Buffer.from(input));
    const reply = replyOf(input);
    if (reply === undefined) return 'unreadable';
    if (reply.kind === 'failed') {
      assert.match(reply.reason, ONE_LINE, 'a reason of several lines');
      return outcome(reply.reason);
    }
    const headers =
      reply.kind === 'denied'
        ? reply.headers
        : [...reply.request, ...reply.response].map(({ name, value }) => [name, value] as const);
    for (const [name, value] of headers) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
      assert.doesNotMatch(
        name,
        /^(?:host|content-length|transfer-encoding|connection|:.*)$/i,
        'a header that frames the message',
      );
    }
    if (reply.kind === 'denied') return `denied ${reply.status} ${headers.length > 0 ? 'headers' : ''}`;
    assert.match(changeQuery('/a?b=c&d=e', reply.query), /^\/a(?:\?[^\s#]*)?$/, 'a request target that is none');
    return `allowed ${Math.min(headers.length, 3)} ${reply.query.set.length > 0 ? 'query' : ''}`;
  },
};

const ONE_LINE = /^[^\n\r\u2028\u2029]*$/;

function replyOf(input: Uint8Array): ReturnType<typeof decodeCheckResponse> | undefined {
  try {
    return decodeCheckResponse(input);
  } catch {
    return undefined;
  }
}
