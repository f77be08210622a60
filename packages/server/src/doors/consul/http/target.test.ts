import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { targetOf } from './target.ts';

/** What paths and queries are made of where nothing needs to be encoded or resolved. */
const segment = fc.stringMatching(/^[\w~:@!$&'()*+,;=-]{1,8}$/);
const query = fc.stringMatching(/^[\w~:@!$&'()*+,;=/?%-]{0,20}$/);

describe('the target of a request', () => {
  it('is read as a URL is', () => {
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 5 }), fc.option(query), (segments, search) => {
        const text = `/${segments.join('/')}${search === null ? '' : `?${search}`}`;
        const url = new URL(text, 'http://localhost');
        const target = targetOf(text);
        assert.equal(target?.path, url.pathname);
        assert.deepEqual([...target.query], [...url.searchParams]);
      }),
    );
  });

  it('is nothing that the sender did not write', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const target = targetOf(text);
        assert.equal(target === undefined, !text.startsWith('/'));
        assert.equal(target === undefined || text.startsWith(target.path), true);
      }),
    );
  });

  for (const [rule, url] of [
    ['has no "..": nothing is made of it', '/v1/agent/../kv/x'],
    ['keeps what is encoded', '/v1/health/service/a%2Fb'],
  ] as const) {
    it(rule, () => assert.equal(targetOf(url)?.path, url));
  }

  it('is no other server', () => assert.equal(targetOf('http://elsewhere/v1/agent/self'), undefined));
});
