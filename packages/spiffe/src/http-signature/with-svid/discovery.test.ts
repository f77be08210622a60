import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';

import { SpiffeId } from '@rampart/core';

import { generateKeyPair } from '../../key-pair.ts';
import { createTestAuthority, issueWorkload, NOW, spkiOf, type TestAuthority } from '../../testing/test-authority.ts';
import { contentDigest } from '../content-digest.ts';
import { askForSignature, signatureAskedFor, signDiscovery, verifyDiscovery } from './discovery.ts';
import { SIGNING_CHAIN_FIELD } from './signing-chain.ts';
import type { DiscoverySigner, DiscoveryTrust } from './discovery.ts';
import type { Fields, HttpRequest, HttpResponse } from '../message.ts';

const REGISTRY = 'spiffe://cluster.local/ns/istio-system/sa/rampart-server';
const QUESTION = Buffer.from('{"service":"payment-service"}');
const ANSWER = Buffer.from('{"instances":[{"host":"10.0.1.1","port":8080}]}');
const POISON = Buffer.from('{"instances":[{"host":"10.99.99.99","port":8080}]}');

function fieldsOf(record: Readonly<Record<string, string>>): Fields {
  return (name) => (record[name] === undefined ? [] : [record[name]]);
}

describe('a discovery response signed by the registry', () => {
  let authority: TestAuthority;
  let registry: DiscoverySigner;
  let intruder: DiscoverySigner;
  let elsewhere: DiscoverySigner;

  const request: HttpRequest = {
    method: 'POST',
    url: 'https://127.0.0.1:8443/rampart.v1.RegistryService/Find',
    fields: fieldsOf({ 'content-digest': contentDigest(QUESTION) }),
  };
  const plain: HttpResponse = { status: 200, request, fields: fieldsOf({ 'content-type': 'application/json' }) };

  const signer = async (from: TestAuthority, id: string): Promise<DiscoverySigner> => {
    const pair = generateKeyPair();
    const leaf = await issueWorkload(from, { spiffeId: SpiffeId.of(id), publicKeyDer: spkiOf(pair) });
    return { ...pair, spiffeId: SpiffeId.of(id), chain: [leaf, from.intermediate] };
  };
  before(async () => {
    authority = await createTestAuthority();
    registry = await signer(authority, REGISTRY);
    intruder = await signer(authority, 'spiffe://cluster.local/ns/default/sa/web');
    elsewhere = await signer(await createTestAuthority(), REGISTRY);
  });

  const signed = (
    by: DiscoverySigner,
    content = ANSWER,
    nonce: string | undefined = 'n-1',
  ): Record<string, string> => ({
    'content-type': 'application/json',
    ...signDiscovery(plain, content, { signer: by, nonce, now: NOW }),
  });
  const judge = (
    fields: Record<string, string>,
    content: Uint8Array = ANSWER,
    changes: Partial<DiscoveryTrust> = {},
  ): string => {
    const trust: DiscoveryTrust = {
      trustDomain: authority.trustDomain,
      roots: [authority.root],
      isRegistry: (id) => id.toString() === REGISTRY,
      nonce: 'n-1',
      now: NOW,
      ...changes,
    };
    const verified = verifyDiscovery({ ...plain, fields: fieldsOf(fields) }, content, trust);
    return verified.ok ? verified.value.signedBy.toString() : verified.problem.code;
  };

  it('is believed', () => assert.equal(judge(signed(registry)), REGISTRY));
  it('is not, once its content is another', () => assert.equal(judge(signed(registry), POISON), 'BAD_DIGEST'));
  it('is not, once its content and digest are others', () => {
    assert.equal(judge({ ...signed(registry), 'content-digest': contentDigest(POISON) }, POISON), 'BAD_SIGNATURE');
  });
  it('is not, when it is the answer to another question', () => {
    const other = { ...request, fields: fieldsOf({ 'content-digest': contentDigest(POISON) }) };
    const fields = { ...signed(registry) };
    const trust = {
      trustDomain: authority.trustDomain,
      roots: [authority.root],
      isRegistry: () => true,
      nonce: 'n-1',
      now: NOW,
    };
    const verified = verifyDiscovery({ ...plain, request: other, fields: fieldsOf(fields) }, ANSWER, trust);
    assert.equal(verified.ok ? '' : verified.problem.code, 'BAD_SIGNATURE');
  });
  it('is not, when a workload with a certificate of the same roots signed it', () => {
    assert.equal(judge(signed(intruder)), 'UNKNOWN_KEY');
  });
  it('is not, when the registry of another root signed it', () =>
    assert.equal(judge(signed(elsewhere)), 'UNKNOWN_KEY'));
  it('is not, when somebody else signed under its certificate', () => {
    const chain = signed(registry)[SIGNING_CHAIN_FIELD] ?? '';
    assert.equal(judge({ ...signed(elsewhere), [SIGNING_CHAIN_FIELD]: chain }), 'BAD_SIGNATURE');
  });
  it('is not, when its certificate is revoked', () => {
    assert.equal(judge(signed(registry), ANSWER, { revocationOf: () => 'key compromise' }), 'UNKNOWN_KEY');
  });
  it('is not, when it was given before', () =>
    assert.equal(judge(signed(registry), ANSWER, { nonce: 'n-2' }), 'WRONG_NONCE'));
  it('is not, without the nonce that was asked for', () => {
    assert.equal(judge(signDiscovery(plain, ANSWER, { signer: registry, nonce: undefined, now: NOW })), 'WRONG_NONCE');
  });
  it('is not, once it is old', () => assert.equal(judge(signed(registry), ANSWER, { now: NOW + 91_000 }), 'STALE'));
  it('is not, when it says to decode the content in another way', () => {
    assert.equal(judge({ ...signed(registry), 'content-encoding': 'gzip' }), 'NOT_COVERED');
  });
  for (const field of ['signature', 'signature-input', 'content-digest', SIGNING_CHAIN_FIELD]) {
    it(`is not, without ${field}`, () => {
      const { [field]: _, ...rest } = signed(registry);
      assert.notEqual(judge(rest), REGISTRY);
    });
  }

  it('is asked for with a nonce', () => {
    assert.deepEqual(signatureAskedFor([askForSignature('n-1')]), { nonce: 'n-1' });
    assert.deepEqual(signatureAskedFor(['sig1=();tag="other"', askForSignature('n-2')]), { nonce: 'n-2' });
    for (const other of ['', 'sig1=("@status");tag="other"', 'no structured field', `a=();tag="${'x'.repeat(3000)}"`]) {
      assert.equal(signatureAskedFor([other]), undefined, other.slice(0, 40));
    }
  });
});
