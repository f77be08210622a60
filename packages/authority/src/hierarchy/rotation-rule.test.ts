import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { knownAt, longestGuaranteedLife, rootRotationOf, rotationOf } from './rotation-rule.ts';

const HOUR = 3600 * 1000;
const DAY = 24 * HOUR;

describe('the rule of rotation', () => {
  const cases = [
    { life: 24 * HOUR, prepared: 12 * HOUR, activated: 4 * HOUR },
    { life: 42 * DAY, prepared: 21 * DAY, activated: 7 * DAY },
    { life: 48 * DAY, prepared: 24 * DAY, activated: 7 * DAY },
    { life: 60 * DAY, prepared: 30 * DAY, activated: 7 * DAY },
    { life: 365 * DAY, prepared: 30 * DAY, activated: 7 * DAY },
  ];
  for (const { life, prepared, activated } of cases) {
    it(`of ${life / HOUR} hours prepares when ${prepared / HOUR} are left and activates when ${activated / HOUR} are`, () => {
      const { prepareAt, activateAt } = rotationOf({ notBefore: 1000, notAfter: 1000 + life });
      assert.deepEqual([1000 + life - prepareAt, 1000 + life - activateAt], [prepared, activated]);
    });

    it(`of ${life / HOUR} hours guarantees leaves ${activated / HOUR} of them`, () => {
      assert.equal(longestGuaranteedLife(life), activated);
    });
  }

  it('of a root leaves time for a whole intermediate', () => {
    const span = { notBefore: 0, notAfter: 3650 * DAY };
    const { prepareAt, activateAt } = rootRotationOf(span, { intermediateMs: 365 * DAY });
    assert.deepEqual([prepareAt, activateAt], [(3650 - 365 - 30) * DAY, (3650 - 365 - 7) * DAY]);
  });

  it('of a root that lives hardly longer than its intermediates leaves half of its life', () => {
    const { prepareAt, activateAt } = rootRotationOf(
      { notBefore: 0, notAfter: 48 * HOUR },
      { intermediateMs: 47 * HOUR },
    );
    assert.deepEqual([prepareAt, activateAt], [12 * HOUR, 20 * HOUR]);
  });

  it('publishes a root for as long as a workload may be cut off, a day at most', () => {
    const prepared = { state: 'prepared', since: 1000 } as const;
    const heard = [HOUR, 90 * DAY].map((workloadMs) => knownAt(prepared, { workloadMs }) - 1000);
    assert.deepEqual(heard, [HOUR, DAY]);
    assert.equal(knownAt({ state: 'active', since: 1000 }, { workloadMs: DAY }), 0);
  });
});
