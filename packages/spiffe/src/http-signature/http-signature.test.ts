import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';

import { signMessage } from './sign.ts';
import type { HttpSigningKey } from './sign.ts';
import { contentDigest, isContentOf } from './content-digest.ts';
import { valueOf } from './component.ts';
import type { Component } from './component.ts';
import type { Fields, HttpMessage, HttpRequest, HttpResponse } from './message.ts';
import { verifyMessage } from './verify.ts';
import type { SignatureRules } from './verify.ts';
import { CREATED, KEYS, REQUEST_CONTENT, REQUEST_LINE, VECTORS } from './vectors.fixture.ts';
import type { Vector } from './vectors.fixture.ts';

function fieldsOf(record: Readonly<Record<string, string | readonly string[]>>): Fields {
  return (name) => [record[name] ?? []].flat();
}

function messageOf({ fields, input, signature, isResponse }: Vector): HttpMessage {
  const signed = fieldsOf({ ...fields, 'signature-input': input, signature });
  return isResponse ? { status: 200, fields: signed } : { ...REQUEST_LINE, fields: signed };
}

function rules(changes: Partial<SignatureRules> = {}): SignatureRules {
  const keyOf = (keyId: string): ReturnType<SignatureRules['keyOf']> => KEYS.get(keyId);
  return { components: [], keyOf, now: CREATED, maxAgeMs: 60_000, clockSkewMs: 0, ...changes };
}

function component(name: string, parameters: Readonly<Record<string, string | boolean>> = {}): Component {
  return { name, parameters: new Map(Object.entries(parameters)) };
}

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key: HttpSigningKey = { keyId: 'k', algorithm: 'ecdsa-p256-sha256', ...pair };
const ownKey = (): ReturnType<SignatureRules['keyOf']> => ({ key: pair.publicKey, algorithm: 'ecdsa-p256-sha256' });

const REQUEST: HttpRequest = {
  method: 'POST',
  url: 'https://registry:8443/find?q=1',
  fields: fieldsOf({ 'content-digest': contentDigest(Buffer.from('question')) }),
};
const COVERED = [
  component('@status'),
  component('content-digest'),
  component('@path', { req: true }),
  component('content-digest', { req: true }),
];

/** A response that was signed, with what became of it on the way. */
function answer(
  changes: {
    status?: number;
    content?: string;
    request?: HttpRequest;
    created?: number;
    fields?: Record<string, string>;
  } = {},
): HttpResponse {
  const original: HttpResponse = {
    status: 200,
    fields: fieldsOf({ 'content-digest': contentDigest(Buffer.from('answer')) }),
    request: REQUEST,
  };
  const order = {
    label: 'sig1',
    components: COVERED,
    created: CREATED,
    expires: CREATED + 30_000,
    nonce: 'n-1',
    tag: 'test',
  };
  const { signatureInput, signature } = signMessage(original, { ...order, created: changes.created ?? CREATED }, key);
  return {
    status: changes.status ?? 200,
    request: changes.request ?? REQUEST,
    fields: fieldsOf({
      'content-digest': contentDigest(Buffer.from(changes.content ?? 'answer')),
      'signature-input': signatureInput,
      signature,
      ...changes.fields,
    }),
  };
}

function outcome(message: HttpMessage, changes: Partial<SignatureRules> = {}): string {
  const result = verifyMessage(
    message,
    rules({ keyOf: ownKey, components: COVERED, nonce: 'n-1', tag: 'test', maxAgeMs: 30_000, ...changes }),
  );
  return result.ok ? 'ok' : result.problem.code;
}

describe('the signatures of RFC 9421, appendix B', () => {
  for (const vector of VECTORS) {
    it(`${vector.section} verifies, and not once anything that it covers is changed`, () => {
      assert.deepEqual(verifyMessage(messageOf(vector), rules()).ok, true);
      for (const name of vector.input.matchAll(/"([a-z][a-z-]*)"(?= |\))/g)) {
        const changed = messageOf({ ...vector, fields: { ...vector.fields, [name[1] ?? '']: 'else' } });
        const result = verifyMessage(changed, rules());
        assert.equal(result.ok ? 'ok' : result.problem.code, 'BAD_SIGNATURE', name[1]);
      }
      const later = vector.input.replace('created=1618884473', 'created=1618884472');
      const result = verifyMessage(messageOf({ ...vector, input: later }), rules());
      assert.equal(result.ok ? 'ok' : result.problem.code, 'BAD_SIGNATURE');
    });
  }

  it('the content is what its digest says', () => {
    const { fields } = messageOf(VECTORS[0] as Vector);
    assert.equal(isContentOf(fields, Buffer.from(REQUEST_CONTENT)), true);
    assert.equal(isContentOf(fields, Buffer.from(`${REQUEST_CONTENT} `)), false);
  });
});

describe('a signed response', () => {
  const cases: readonly (readonly [
    rule: string,
    message: HttpMessage,
    changes: Partial<SignatureRules>,
    code: string,
  ])[] = [
    ['counts as it was sent', answer(), {}, 'ok'],
    ['with another status', answer({ status: 404 }), {}, 'BAD_SIGNATURE'],
    ['with another content', answer({ content: 'else' }), {}, 'BAD_SIGNATURE'],
    ['to another path', answer({ request: { ...REQUEST, url: 'https://registry:8443/other' } }), {}, 'BAD_SIGNATURE'],
    [
      'to another question',
      answer({ request: { ...REQUEST, fields: fieldsOf({ 'content-digest': contentDigest(Buffer.from('else')) }) } }),
      {},
      'BAD_SIGNATURE',
    ],
    [
      'to a question that nobody digested',
      answer({ request: { ...REQUEST, fields: fieldsOf({}) } }),
      {},
      'NO_COMPONENT',
    ],
    ['with the answer to an earlier nonce', answer(), { nonce: 'n-2' }, 'WRONG_NONCE'],
    ['made for something else', answer(), { tag: 'other' }, 'UNSIGNED'],
    ['without its signature', answer({ fields: { 'signature-input': '', signature: '' } }), {}, 'UNSIGNED'],
    ['with half of its signature', answer({ fields: { 'signature-input': '' } }), {}, 'MALFORMED'],
    ['with a signature that is no structured field', answer({ fields: { signature: 'sig1=:::' } }), {}, 'MALFORMED'],
    ['with a signature of another form', answer({ fields: { signature: 'sig1="AAAA"' } }), {}, 'MALFORMED'],
    ['with a huge field', answer({ fields: { signature: `sig1=:${'A'.repeat(20_000)}:` } }), {}, 'MALFORMED'],
    ['older than it may be', answer(), { now: CREATED + 30_001 }, 'STALE'],
    ['older than it says', answer(), { now: CREATED + 30_001, maxAgeMs: 60_000 }, 'STALE'],
    ['as old as it may be', answer(), { now: CREATED + 30_000 }, 'ok'],
    ['from the future', answer(), { now: CREATED - 1001 }, 'STALE'],
    ['from a clock that is a little ahead', answer(), { now: CREATED - 1000, clockSkewMs: 1000 }, 'ok'],
    ['that covers less than it has to', answer(), { components: [...COVERED, component('date')] }, 'NOT_COVERED'],
    ['by an unknown key', answer(), { keyOf: () => undefined }, 'UNKNOWN_KEY'],
    [
      'by a key of another kind',
      answer(),
      { keyOf: () => ({ key: pair.publicKey, algorithm: 'ed25519' }) },
      'UNKNOWN_KEY',
    ],
    [
      'by another key',
      answer(),
      { keyOf: (keyId) => KEYS.get(keyId === 'k' ? 'test-key-ecc-p256' : '') },
      'BAD_SIGNATURE',
    ],
  ];
  for (const [rule, message, changes, code] of cases) {
    it(`${rule}: ${code}`, () => assert.equal(outcome(message, changes), code));
  }

  it('with two signatures of the wanted kind: which one is meant would be a guess', () => {
    const { fields } = answer();
    const twice = (name: string): string => `${fields(name)[0]}, ${fields(name)[0]?.replace('sig1', 'sig2')}`;
    assert.equal(
      outcome(answer({ fields: { 'signature-input': twice('signature-input'), signature: twice('signature') } })),
      'MALFORMED',
    );
  });

  it('that names another algorithm than its key has', () => {
    const input = answer().fields('signature-input')[0] ?? '';
    assert.equal(outcome(answer({ fields: { 'signature-input': `${input};alg="hmac-sha256"` } })), 'UNKNOWN_KEY');
  });
});

describe('the values of components (RFC 9421 §2)', () => {
  const request = (
    fields: Readonly<Record<string, string | readonly string[]>>,
    url = 'https://WWW.Example.com:443/a/../b%2F?x=1&y=%20&x2=1&x2=2',
  ): HttpRequest => ({
    method: 'GET',
    url,
    fields: fieldsOf(fields),
  });
  const cases: readonly (readonly [
    rule: string,
    component: Component,
    message: HttpMessage,
    value: string | undefined,
  ])[] = [
    ['several lines of a field are joined', component('x'), request({ x: [' a ', 'b'] }), 'a, b'],
    ['an empty field has an empty value', component('x'), request({ x: '' }), ''],
    ['line folding is one space', component('x'), request({ x: 'a\r\n   b' }), 'a b'],
    ['a field that is not there has none', component('x'), request({}), undefined],
    ['a member of a dictionary', component('x', { key: 'b' }), request({ x: 'a=1, b=2;q=1' }), '2;q=1'],
    ['a member that is not there', component('x', { key: 'c' }), request({ x: 'a=1' }), undefined],
    ['a structured field is written strictly', component('x', { sf: true }), request({ x: 'a=1,   b=2' }), 'a=1, b=2'],
    ['a field as bytes', component('x', { bs: true }), request({ x: ['a', 'b'] }), ':YQ==:, :Yg==:'],
    ['bytes of a member are a contradiction', component('x', { bs: true, key: 'a' }), request({ x: 'a=1' }), undefined],
    ['a trailer cannot be covered', component('x', { tr: true }), request({ x: 'a' }), undefined],
    ['the authority is in lower case without its own port', component('@authority'), request({}), 'www.example.com'],
    ['another port is part of the authority', component('@authority'), request({}, 'https://h:8443/'), 'h:8443'],
    ['the path is as it was sent', component('@path'), request({}), '/a/../b%2F'],
    ['no path is a slash', component('@path'), request({}, 'https://h'), '/'],
    ['no query is a question mark', component('@query'), request({}, 'https://h/'), '?'],
    ['the target of the request', component('@request-target'), request({}, 'https://h/a?b'), '/a?b'],
    ['the scheme', component('@scheme'), request({}), 'https'],
    ['a parameter of the query', component('@query-param', { name: 'y' }), request({}), '%20'],
    ['a parameter that is there twice has none', component('@query-param', { name: 'x2' }), request({}), undefined],
    ['a request has no status', component('@status'), request({}), undefined],
    ['a response has no method', component('@method'), { status: 200, fields: fieldsOf({}) }, undefined],
    ['a request answers no request', component('@method', { req: true }), request({}), undefined],
    ['of an unknown kind', component('@else'), request({}), undefined],
    ['that is no name', component('a b'), request({}), undefined],
  ];
  for (const [rule, wanted, message, value] of cases) {
    it(rule, () => {
      const result = valueOf(wanted, message);
      assert.equal(result.ok ? result.value : undefined, value);
    });
  }
});

describe('signing', () => {
  it('refuses to cover what is not there', () => {
    const order = { label: 'a', components: [component('x')], created: 0 };
    assert.throws(() => signMessage(REQUEST, order, key), /x cannot be covered/);
  });
  it('refuses a key of another kind', () => {
    const order = { label: 'a', components: [], created: 0 };
    assert.throws(() => signMessage(REQUEST, order, { ...key, algorithm: 'ed25519' }), /not one for ed25519/);
  });
  it('does not give out what the public key does not verify', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const order = { label: 'a', components: [], created: 0 };
    assert.throws(() => signMessage(REQUEST, order, { ...key, publicKey: other.publicKey }), /does not verify/);
  });
});
