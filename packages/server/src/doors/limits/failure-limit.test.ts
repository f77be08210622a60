import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FailureLimit } from './failure-limit.ts';

function limit(): { readonly time: { now: number }; readonly failures: FailureLimit } {
  const time = { now: 0 };
  const clock = { now: () => time.now, after: () => ({ cancel: () => undefined }) };
  return { time, failures: new FailureLimit({ clock, burst: 3, perSecond: 1 }) };
}

describe('the failure limit', () => {
  it('blocks an address after a burst of failures, and only that address', () => {
    const { failures } = limit();
    for (let index = 0; index < 3; index += 1) {
      assert.equal(failures.blocks('10.0.0.1'), false);
      failures.fail('10.0.0.1');
    }
    assert.equal(failures.blocks('10.0.0.1'), true);
    assert.equal(failures.blocks('10.0.0.2'), false);
  });

  it('forgives with time', () => {
    const { failures, time } = limit();
    for (let index = 0; index < 3; index += 1) {
      failures.fail('10.0.0.1');
    }
    time.now = 999;
    assert.equal(failures.blocks('10.0.0.1'), false);
    failures.fail('10.0.0.1');
    assert.equal(failures.blocks('10.0.0.1'), true);
  });

  it('remembers a bounded number of addresses', () => {
    const { failures } = limit();
    for (let index = 0; index < 3; index += 1) {
      failures.fail('first');
    }
    for (let index = 0; index < 10_000; index += 1) {
      failures.fail(`address ${index}`);
    }
    assert.equal(failures.blocks('first'), false);
  });
});
