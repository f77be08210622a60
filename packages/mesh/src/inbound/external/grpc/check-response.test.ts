import assert from 'node:assert/strict';
import { it } from 'node:test';

import { isFixedInRequest, isFraming } from '@rampart/core';
import { CheckResponse } from '@rampart/wire/ext-authz';
import fc from 'fast-check';

import type { Reply } from '../answer.ts';
import { isHeaderName, isHeaderValue } from '../header-names.ts';
import { decodeCheckResponse } from './check-response.ts';

/** Whatever an authorizer says, what becomes of it can be put into messages without changing what they are. */
function holds(reply: Reply): void {
  if (reply.kind === 'failed') return;
  const changes = reply.kind === 'allowed' ? [...reply.request, ...reply.response] : [];
  const denial = reply.kind === 'denied' ? reply.headers.map(([name, value]) => ({ name, value })) : [];
  for (const { name, value } of [...changes, ...denial]) {
    assert.ok(isHeaderName(name) && isHeaderValue(value) && !isFraming(name), `${name}: ${value}`);
  }
  if (reply.kind === 'allowed') {
    for (const { name } of reply.request) assert.ok(!isFixedInRequest(name), name);
    for (const [name, value] of reply.query.set) assert.doesNotMatch(name + value, /[\s&#]/);
  } else assert.ok(reply.status >= 200 && reply.status <= 599);
}

it('bytes that are no CheckResponse are refused, and never run on', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      let reply: Reply | undefined;
      try {
        reply = decodeCheckResponse(bytes);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
      if (reply !== undefined) holds(reply);
    }),
    { numRuns: 2000 },
  );
});

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    'host',
    'Content-Length',
    ':path',
    'x-user',
    'x-forwarded-client-cert',
    'a\r\nb: c',
    'set-cookie',
    'é',
  ),
);
const option = fc.record({
  header: fc.option(fc.record({ key: text, value: text }), { nil: undefined }),
  append: fc.option(fc.boolean(), { nil: undefined }),
  appendAction: fc.integer({ min: -1, max: 5 }),
});
const options = fc.array(option, { maxLength: 3 });
const status = fc.record({ code: fc.integer() });
const denial = fc.record({ status: fc.option(status, { nil: undefined }), headers: options, body: text });
const response: fc.Arbitrary<CheckResponse> = fc.record({
  status: fc.option(fc.record({ code: fc.constantFrom(0, 7, 16, -1), message: text }), { nil: undefined }),
  httpResponse: fc.oneof(
    fc.constant(undefined),
    fc.record({ $case: fc.constantFrom('deniedResponse' as const, 'errorResponse' as const), value: denial }),
    fc.record({
      $case: fc.constant('okResponse' as const),
      value: fc.record({
        headers: options,
        headersToRemove: fc.array(text, { maxLength: 3 }),
        responseHeadersToAdd: options,
        queryParametersToSet: fc.array(fc.record({ key: text, value: text }), { maxLength: 2 }),
        queryParametersToRemove: fc.array(text, { maxLength: 2 }),
      }),
    }),
  ),
});

it('whatever a CheckResponse holds, only what can be sent and may be changed comes of it, and only code 0 allows', () => {
  fc.assert(
    fc.property(response, (message) => {
      const reply = decodeCheckResponse(CheckResponse.encode(message).finish());
      holds(reply);
      if ((message.status?.code ?? 0) === 0) assert.notEqual(reply.kind, 'denied');
      else assert.notEqual(reply.kind, 'allowed');
    }),
    { numRuns: 5000 },
  );
});
