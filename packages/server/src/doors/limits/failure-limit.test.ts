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

  it('says when to come again, and never keeps a stranger waiting for longer than ten seconds', () => {
    const { failures, time } = limit();
    for (let index = 0; index < 10_000; index += 1) failures.fail('10.0.0.1');
    assert.deepEqual(failures.refusedHeaders('10.0.0.1'), {
      'retry-after': '11',
      'ratelimit-policy': '"authentication-failures";q=3;w=3',
      ratelimit: '"authentication-failures";r=0;t=11',
    });
    time.now = 10_001;
    assert.equal(failures.blocks('10.0.0.1'), false);
  });

  it('says how long a block lasts', () => {
    const block = { perMinute: () => 2, blockSeconds: () => 300, blocked: () => undefined };
    const clock = { now: () => 0, after: () => ({ cancel: () => undefined }) };
    const failures = new FailureLimit({ clock, burst: 100, perSecond: 1, block });
    for (let index = 0; index < 2; index += 1) failures.fail('10.0.0.1');
    assert.deepEqual(failures.refusedHeaders('10.0.0.1'), {
      'retry-after': '300',
      'ratelimit-policy': '"authentication-failures";q=2;w=60',
      ratelimit: '"authentication-failures";r=0;t=300',
    });
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

  for (const [rule, address, blockedMs] of [
    ['blocks an address that fails too often within a minute', '10.0.0.1', 300_000],
    ['looks at credentials from this very host all the same', '127.0.0.1', 0],
    ['looks at them whatever the family', '::1', 0],
  ] as const) {
    it(rule, () => {
      const blocked: string[] = [];
      const block = { perMinute: () => 2, blockSeconds: () => 300, blocked: (one: string) => blocked.push(one) };
      const clock = { now: () => 0, after: () => ({ cancel: () => undefined }) };
      const failures = new FailureLimit({ clock, burst: 100, perSecond: 1, block });
      failures.fail(address);
      assert.equal(failures.blocks(address), false);
      failures.fail(address);
      assert.deepEqual([failures.blocks(address), failures.blockedMs(address)], [true, blockedMs]);
      assert.equal(failures.blocksStrangers(address), blockedMs > 0);
      assert.deepEqual(blocked, [address]);
    });
  }

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
