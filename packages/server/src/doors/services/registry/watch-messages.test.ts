import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refusalOf } from './watch-messages.ts';

describe('why a watch cannot go on', () => {
  const causes = [
    ['history', /^history begins after revision 7: begin /],
    ['rules', /^rules about who may know what changed at revision 7, .*: begin /],
  ] as const;
  for (const [by, message] of causes)
    it(`is said: ${by}`, () => {
      const { code, message: words } = refusalOf({ kind: 'compacted', oldest: 7, by });
      assert.equal(code, 'WATCH_COMPACTED');
      assert.match(words, message);
    });
});
