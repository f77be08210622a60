import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { RoutedRequest } from '@rampart/core';

import { MOST_OF_ANSWER, MOST_OF_SERVICE, StaleAnswers } from './stale-answers.ts';
import type { StaleAnswer } from './stale-answers.ts';
import { isForAnybody } from './storable.ts';

const GET: RoutedRequest = { method: 'GET', url: '/items', authority: 'orders', headers: {} };
const MINUTE = 60_000;

interface Given {
  readonly status?: number;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly request?: RoutedRequest;
  readonly key?: string;
}

function give(
  answers: StaleAnswers,
  { status = 200, headers = [], body = 'good', request = GET, key = 'k' }: Given,
): void {
  const receiver = answers.receive(key, request, { status, rawHeaders: headers });
  receiver?.add(Buffer.from(body));
  receiver?.complete(0);
}

function find(answers: StaleAnswers, now = 0, request = GET): StaleAnswer | undefined {
  return answers.find('k', request, { now, mostMs: MINUTE });
}

describe('an earlier answer', () => {
  it('is given with its age, and says that it is one', () => {
    const answers = new StaleAnswers();
    give(answers, { headers: ['Content-Type', 'text/plain', 'Age', '5'] });
    const found = find(answers, 2500);
    assert.equal(Buffer.from(found?.answer.body ?? []).toString(), 'good');
    assert.deepEqual(found?.answer.headers, [
      ['Content-Type', 'text/plain'],
      ['age', '7'],
      ['cache-status', 'rampart; hit; detail=stale'],
    ]);
  });

  it('loses what belongs to one connection or one exchange', () => {
    const answers = new StaleAnswers();
    const hop = ['Connection', 'x-hop', 'X-Hop', '1', 'Transfer-Encoding', 'chunked', 'Content-Length', '4'];
    give(answers, { headers: [...hop, 'X-Request-Id', 'r', 'etag', '"1"'] });
    assert.deepEqual(
      find(answers)?.answer.headers.map(([name]) => name),
      ['etag', 'age', 'cache-status'],
    );
  });

  it('is given no longer than a rule says, nor longer than it says itself', () => {
    const answers = new StaleAnswers();
    give(answers, {});
    assert.ok(find(answers, MINUTE) !== undefined);
    assert.equal(find(answers, MINUTE + 1), undefined);
    assert.equal(answers.bytes, 0);
    give(answers, { headers: ['cache-control', 'max-age=2, stale-if-error=3'] });
    assert.ok(find(answers, 5000) !== undefined);
    assert.equal(find(answers, 5001), undefined);
  });

  const unkept: readonly (readonly [rule: string, given: Given])[] = [
    ['a cookie is set', { headers: ['Set-Cookie', 'a=b'] }],
    ['it is private', { headers: ['Cache-Control', 'max-age=5, Private="x"'] }],
    ['it is not to be stored', { headers: ['cache-control', 'no-store'] }],
    ['it is not to be given once stale', { headers: ['cache-control', 'must-revalidate'] }],
    ['it goes by what nobody can see', { headers: ['vary', 'accept, *'] }],
    ['it is none of success', { status: 404 }],
    ['it is a part', { status: 206 }],
    ['it is too long', { body: 'x'.repeat(MOST_OF_ANSWER + 1) }],
  ];
  for (const [rule, given] of unkept) {
    it(`is not kept where ${rule}`, () => {
      const answers = new StaleAnswers();
      give(answers, given);
      assert.equal(find(answers), undefined);
    });
  }

  it('is void once another one is not to be kept; an error of the instance says nothing of it', () => {
    const answers = new StaleAnswers();
    give(answers, {});
    give(answers, { status: 503 });
    assert.ok(find(answers) !== undefined);
    give(answers, { status: 403 });
    assert.equal(find(answers), undefined);
  });

  it('is given to requests that are alike in all that it goes by', () => {
    const answers = new StaleAnswers();
    const german = { ...GET, headers: { 'accept-language': 'de' } };
    give(answers, { headers: ['Vary', 'Accept-Language'], request: german });
    assert.ok(find(answers, 0, german) !== undefined);
    assert.equal(find(answers, 0, { ...GET, headers: { 'accept-language': 'en' } }), undefined);
    assert.equal(find(answers), undefined);
  });

  it('is not kept for ever: what was asked for last stays', () => {
    const answers = new StaleAnswers();
    const body = 'x'.repeat(MOST_OF_ANSWER - 1000);
    give(answers, {});
    for (let index = 0; index < 100; index += 1) {
      give(answers, { body, key: `k${index}` });
      assert.ok(find(answers) !== undefined);
      assert.ok(answers.bytes <= MOST_OF_SERVICE);
    }
    assert.equal(answers.find('k0', GET, { now: 0, mostMs: MINUTE }), undefined);
  });
});

describe('a request that an earlier answer is for', () => {
  const asked: readonly (readonly [rule: string, request: Partial<RoutedRequest>, is: boolean])[] = [
    ['is a GET', {}, true],
    ['is no other method', { method: 'POST' }, false],
    ['has no Authorization', { headers: { authorization: 'Bearer x' } }, false],
    ['has no cookie', { headers: { cookie: 'a=b' } }, false],
    ['has no key of its own', { headers: { 'x-api-key': 'k' } }, false],
    ['has nothing that nobody here knows', { headers: { 'x-tenant': 'a' } }, false],
    [
      'says what it takes, and who carries it',
      { headers: { accept: '*/*', host: 'a', 'user-agent': 'b', traceparent: 'c' } },
      true,
    ],
    ['asks for all of it', { headers: { range: 'bytes=0-1' } }, false],
    ['does not insist on a fresh one', { headers: { 'cache-control': 'no-cache' } }, false],
    ['may take one of some age', { headers: { 'cache-control': 'max-stale=60' } }, true],
  ];
  for (const [rule, request, is] of asked) {
    it(rule, () => assert.equal(isForAnybody({ ...GET, ...request }), is));
  }
});
