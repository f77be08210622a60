import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { fail, ok, SpiffeId } from '@rampart/core';

import { generateKeyPair } from '../../key-pair.ts';
import { verifySvid } from '../../svid/verify.ts';
import { createTestAuthority, issueWorkload, NOW, spkiOf, type TestAuthority } from '../../testing/test-authority.ts';
import { contentDigest } from '../content-digest.ts';
import type { HttpRequest } from '../message.ts';
import { signerOfChain, signRequest, verifyRequest } from './request.ts';
import type { RequestSigner, RequestTrust } from './request.ts';
import { SIGNING_CHAIN_FIELD } from './signing-chain.ts';

const CALLER = 'spiffe://cluster.local/ns/web/sa/frontend';
const CONTENT = Buffer.from('{"amount":10}');
const NOTHING = new Uint8Array();

type Headers = Readonly<Record<string, string | readonly string[]>>;

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly content: Uint8Array;
}

const PLAIN: Sent = {
  method: 'POST',
  url: 'https://orders/pay?to=shop',
  headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
  content: CONTENT,
};

function requestOf({ method, url, headers }: Sent): HttpRequest {
  return { method, url, fields: (name) => [headers[name] ?? []].flat() };
}

describe('a request signed by its caller', () => {
  let authority: TestAuthority;
  let caller: RequestSigner;
  let other: RequestSigner;
  let elsewhere: RequestSigner;

  const signer = async (from: TestAuthority, id: string): Promise<RequestSigner> => {
    const pair = generateKeyPair();
    const leaf = await issueWorkload(from, { spiffeId: SpiffeId.of(id), publicKeyDer: spkiOf(pair) });
    return { ...pair, spiffeId: SpiffeId.of(id), chain: [leaf, from.intermediate] };
  };
  before(async () => {
    authority = await createTestAuthority();
    caller = await signer(authority, CALLER);
    other = await signer(authority, 'spiffe://cluster.local/ns/web/sa/batch');
    elsewhere = await signer(await createTestAuthority(), CALLER);
  });

  function signed(by = caller, sent = PLAIN, now = NOW): Sent {
    const added = signRequest(requestOf(sent), sent.content, {
      signer: by,
      components: ['authorization'],
      nonce: 'nonce-0001',
      now,
      lifetimeMs: 60_000,
    });
    return { ...sent, headers: { ...sent.headers, ...added } };
  }
  const withHeaders = (sent: Sent, headers: Record<string, string | readonly string[]>): Sent => ({
    ...sent,
    headers: { ...sent.headers, ...headers },
  });
  const without = (sent: Sent, name: string): Sent => withHeaders(sent, { [name]: [] });
  const changed = (sent: Sent, from: string | RegExp, to: string): Sent => {
    const value = String(sent.headers['signature-input']);
    assert.match(value, new RegExp(from));
    return withHeaders(sent, { 'signature-input': value.replace(from, to) });
  };

  function judge(sent: Sent, changes: Partial<RequestTrust> = {}): string {
    const verified = verifyRequest(requestOf(sent), sent.content, {
      components: ['authorization'],
      signerOf: (text) =>
        signerOfChain(text, (chain) => {
          const found = verifySvid(chain, { trustDomain: authority.trustDomain, roots: [authority.root], at: NOW });
          return found.ok ? ok(found.value.spiffeId) : fail(found.problem.message);
        }),
      now: NOW,
      maxAgeMs: 60_000,
      clockSkewMs: 5000,
      ...changes,
    });
    return verified.ok ? verified.value.signedBy.toString() : verified.problem.code;
  }

  it('is the one of its signer', () => assert.equal(judge(signed()), CALLER));
  it('is, without content and without the fields that it does not have', () => {
    const bare: Sent = { method: 'GET', url: 'https://orders/', headers: {}, content: NOTHING };
    assert.equal(judge(signed(caller, bare)), CALLER);
  });
  it('is, whatever signatures of others are beside it', () => {
    const once = signed();
    assert.equal(
      judge(
        withHeaders(once, {
          'signature-input': [String(once.headers['signature-input']), 'proxy=();created=1;keyid="x"'],
          signature: [String(once.headers['signature']), 'proxy=:AAAA:'],
        }),
      ),
      CALLER,
    );
  });

  const refused: readonly (readonly [fact: string, code: string, change: () => Sent, trust?: Partial<RequestTrust>])[] =
    [
      ['unsigned', 'UNSIGNED', () => PLAIN],
      ['without its chain', 'UNSIGNED', () => without(signed(), SIGNING_CHAIN_FIELD)],
      ['by another method', 'BAD_SIGNATURE', () => ({ ...signed(), method: 'PUT' })],
      ['for another path', 'BAD_SIGNATURE', () => ({ ...signed(), url: 'https://orders/refund?to=shop' })],
      ['with another query', 'BAD_SIGNATURE', () => ({ ...signed(), url: 'https://orders/pay?to=thief' })],
      ['without its query', 'BAD_SIGNATURE', () => ({ ...signed(), url: 'https://orders/pay' })],
      ['with other content', 'BAD_DIGEST', () => ({ ...signed(), content: Buffer.from('{"amount":99}') })],
      ['without its content', 'BAD_DIGEST', () => ({ ...signed(), content: NOTHING })],
      [
        'with other content and its digest',
        'BAD_SIGNATURE',
        () => ({
          ...withHeaders(signed(), { 'content-digest': contentDigest(Buffer.from('x')) }),
          content: Buffer.from('x'),
        }),
      ],
      [
        'with content that it did not have',
        'NOT_COVERED',
        () => ({ ...signed(caller, { ...PLAIN, content: NOTHING }), content: CONTENT }),
      ],
      ['with another authorization', 'BAD_SIGNATURE', () => withHeaders(signed(), { authorization: 'Bearer stolen' })],
      ['with a covered header stripped', 'NO_COMPONENT', () => without(signed(), 'authorization')],
      [
        'with an authorization that it did not have',
        'NOT_COVERED',
        () => withHeaders(signed(caller, { ...PLAIN, headers: {} }), { authorization: 'Bearer stolen' }),
      ],
      [
        'with its components in another order',
        'BAD_SIGNATURE',
        () => changed(signed(), '"@method" "@path"', '"@path" "@method"'),
      ],
      [
        'with its parameters in another order',
        'BAD_SIGNATURE',
        () => changed(signed(), /(;created=\d+)(;expires=\d+)/, '$2$1'),
      ],
      ['with another nonce', 'BAD_SIGNATURE', () => changed(signed(), 'nonce-0001', 'nonce-0002')],
      ['without a nonce', 'BAD_SIGNATURE', () => changed(signed(), ';nonce="nonce-0001"', '')],
      ['with fewer components', 'NOT_COVERED', () => changed(signed(), ' "content-digest"', '')],
      ['with a component twice', 'MALFORMED', () => changed(signed(), '"@method"', '"@method" "@method"')],
      ['after its time', 'STALE', () => signed(caller, PLAIN, NOW - 66_000)],
      ['older than is asked for', 'STALE', () => signed(caller, PLAIN, NOW - 20_000), { maxAgeMs: 10_000 }],
      ['from the future', 'STALE', () => signed(caller, PLAIN, NOW + 6_000)],
      ['made at a part of a second', 'STALE', () => changed(signed(), /(;created=\d+)/, '$1.5')],
      ['that expires at a part of a second', 'STALE', () => changed(signed(), /(;expires=\d+)/, '$1.5')],
      [
        'with an algorithm that its key is not for',
        'UNKNOWN_KEY',
        () => changed(signed(), ';nonce', ';alg="hmac-sha256";nonce'),
      ],
      [
        'with an algorithm of asymmetric keys of another kind',
        'UNKNOWN_KEY',
        () => changed(signed(), ';nonce', ';alg="rsa-v1_5-sha256";nonce'),
      ],
      [
        'with another signature under its label',
        'BAD_SIGNATURE',
        () => withHeaders(signed(), { signature: signed(other).headers['signature'] ?? '' }),
      ],
      ['in the name of another identity', 'UNKNOWN_KEY', () => changed(signed(other), '/sa/batch', '/sa/frontend')],
      [
        'with the chain of another identity',
        'UNKNOWN_KEY',
        () => withHeaders(signed(), { [SIGNING_CHAIN_FIELD]: signed(other).headers[SIGNING_CHAIN_FIELD] ?? '' }),
      ],
      ['by a key of another authority', 'UNKNOWN_KEY', () => signed(elsewhere)],
      [
        'with its label twice in one field',
        'MALFORMED',
        () => {
          const once = signed();
          const input = String(once.headers['signature-input']);
          return withHeaders(once, { 'signature-input': `${input}, ${input}` });
        },
      ],
      [
        'with its label twice in two fields',
        'MALFORMED',
        () => {
          const once = signed();
          const signature = String(once.headers['signature']);
          return withHeaders(once, { signature: [signature, signature] });
        },
      ],
      [
        'by two signatures of the wanted kind',
        'MALFORMED',
        () => {
          const once = signed();
          const again = (name: string): string[] => {
            const text = String(once.headers[name]);
            return [text, text.replace('caller=', 'again=')];
          };
          return withHeaders(once, { 'signature-input': again('signature-input'), signature: again('signature') });
        },
      ],
      ['without its Signature', 'MALFORMED', () => without(signed(), 'signature')],
      [
        'with a Signature-Input that is none',
        'MALFORMED',
        () => withHeaders(signed(), { 'signature-input': 'caller=(' }),
      ],
    ];
  for (const [fact, code, change, trust] of refused) {
    it(`is refused ${fact}: ${code}`, () => assert.equal(judge(change(), trust), code));
  }
});
