import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { foreignAuthority } from '@rampart/testkit';
import { csr } from '../fixture.ts';
import type { Evidence } from './evidence.ts';
import { attestor, entry, openNewcomers } from './newcomer.fixture.ts';
import type { Newcomers } from './newcomer.fixture.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const part = fc.oneof(
  fc.base64String(),
  fc.object().map((object) => Buffer.from(JSON.stringify(object)).toString('base64url')),
  fc
    .record({ alg: fc.constantFrom('ES256', 'none', 'HS256', 'RS256'), iss: fc.constant('https://issuer.example') })
    .map((object) => Buffer.from(JSON.stringify(object)).toString('base64url')),
);

const hostile: fc.Arbitrary<Evidence> = fc.oneof(
  fc.record({
    kind: fc.constant('x509pop' as const),
    chain: fc.array(bytes, { maxLength: 8 }),
    nonce: bytes,
    signature: bytes,
  }),
  fc.record({
    kind: fc.constant('jwt' as const),
    token: fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
    ),
  }),
  fc.record({
    kind: fc.constant('aws_iam' as const),
    method: fc.constantFrom('POST', 'GET', '', 'post'),
    url: fc.oneof(fc.webUrl(), fc.string(), fc.constant('https://sts.amazonaws.com/')),
    headers: fc.dictionary(fc.string(), fc.string()),
    body: bytes,
    nonce: bytes,
  }),
);

describe('evidence of any form', () => {
  let all: Newcomers;

  before(async () => {
    const attestors = [
      attestor({ x509pop: { roots: foreignAuthority().certPem } }, 'hosts'),
      attestor({ jwt: { issuer: 'https://issuer.example', audiences: ['a'], jwks: '{"keys":[]}' } }, 'issuer'),
      attestor({ awsIam: { accounts: ['123456789012'] } }, 'aws'),
    ];
    all = await openNewcomers({ attestors, entries: [entry(['jwt:sub:x'])], now: Date.now() });
  });

  it('is refused by a rule, put on record, and nothing comes of it', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, fc.boolean(), fc.boolean(), async (evidence, agent, fresh) => {
        const { nonce } = all.authority.challenge();
        const shown = fresh && evidence.kind !== 'jwt' ? { ...evidence, nonce } : evidence;
        const refused = await all.attest(shown, { csr: csr(), agent });
        assert.ok(!refused.ok);
        await all.assertRefused(refused, refused.problem.detail ?? 'no rule');
      }),
      { numRuns: 300 },
    );
  });
});
