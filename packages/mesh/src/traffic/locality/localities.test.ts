import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import type { Member } from '../balance/member.ts';
import { dice, members, tally } from '../members.fixture.ts';
import type { LocalitySettings } from '../settings/balancing.ts';
import { matchesLocality } from './instance-locality.ts';
import { Localities } from './localities.ts';

const OWN = { region: 'eu', zone: 'eu-1', subZone: 'a' };

function at(region: string, zone = '', subZone = ''): { readonly labels: Readonly<Record<string, string>> } {
  return {
    labels: {
      'topology.kubernetes.io/region': region,
      'topology.kubernetes.io/zone': zone,
      'topology.istio.io/subzone': subZone,
    },
  };
}

const PLACES = [at('eu', 'eu-1', 'a'), at('eu', 'eu-1', 'b'), at('eu', 'eu-2'), at('us', 'us-1'), at('ap', 'ap-1')];

/** Ten instances of each place. */
function everywhere(): Member[] {
  return members(50, (index) => PLACES[Math.floor(index / 10)] ?? {});
}

function localities(all: readonly Member[], settings: Partial<LocalitySettings> = {}): Localities {
  return new Localities(
    all,
    { own: OWN, ...settings },
    { settings: { kind: 'random' }, warmup: undefined, random: dice(3) },
  );
}

/** Share of each place. */
function shares(each: Localities): number[] {
  const counts = tally(10_000, () => each.pick(0, undefined));
  const sums = PLACES.map(() => 0);
  for (const [id, count] of counts) {
    const place = Math.floor(Number(id.slice(1)) / 10);
    sums[place] = (sums[place] ?? 0) + count / 10_000;
  }
  return sums;
}

function isNear(actual: readonly number[], expected: readonly number[]): void {
  for (const [index, share] of expected.entries()) {
    assert.ok(Math.abs((actual[index] ?? 0) - share) < 0.03, `${actual.join(' ')} beside ${expected.join(' ')}`);
  }
}

describe('locality: the nearest first', () => {
  const without = (out: (index: number) => boolean, settings: Partial<LocalitySettings> = {}): number[] => {
    const all = everywhere();
    const each = localities(all, settings);
    each.use((member) => !out(all.indexOf(member)));
    return shares(each);
  };

  it('all stays in the own sub-zone while it is well', () =>
    isNear(
      without(() => false),
      [1, 0, 0, 0, 0],
    ));

  it('a priority that is not well keeps 1.4 times its health', () => {
    isNear(
      without((index) => index < 5),
      [0.7, 0.3, 0, 0, 0],
    );
  });

  it('two places out, the third takes over', () =>
    isNear(
      without((index) => index < 20),
      [0, 0, 1, 0, 0],
    ));

  it('other regions are alike', () =>
    isNear(
      without((index) => index < 30),
      [0, 0, 0, 0.5, 0.5],
    ));

  it('a rule says which region is next', () => {
    isNear(
      without((index) => index < 30, { failover: 'ap' }),
      [0, 0, 0, 0, 1],
    );
  });
});

describe('locality: by weights', () => {
  const distribute = [
    { to: 'eu/eu-1/*', weight: 80 },
    { to: 'us/*', weight: 20 },
  ];

  it('shares of localities, among all instances that a weight is about', () => {
    isNear(shares(localities(everywhere(), { distribute })), [0.4, 0.4, 0, 0.2, 0]);
  });

  it('no request is lost when all that a rule names is out', () => {
    const all = everywhere();
    const each = localities(all, { distribute });
    each.use((member) => all.indexOf(member) >= 40);
    isNear(shares(each), [0, 0, 0, 0, 1]);
  });
});

describe('patterns of localities', () => {
  const cases: readonly (readonly [pattern: string, matches: boolean])[] = [
    ['*', true],
    ['eu/*', true],
    ['eu/eu-1/*', true],
    ['eu/eu-1/a', true],
    ['eu/eu-1/b', false],
    ['us/*', false],
    ['eu', true],
  ];
  for (const [pattern, matches] of cases) {
    it(`${pattern} ${matches ? 'is' : 'is not'} about eu/eu-1/a`, () =>
      assert.equal(matchesLocality(pattern, OWN), matches));
  }
});

describe('locality failover', () => {
  it('loses no request while any instance is available, and gives none to one that is not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ place: fc.integer({ min: 0, max: 4 }), isUp: fc.boolean() }), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.boolean(),
        fc.integer(),
        (instances, byWeight, seed) => {
          const all = members(instances.length, (index) => PLACES[instances[index]?.place ?? 0] ?? {});
          const settings: LocalitySettings = byWeight
            ? {
                own: OWN,
                distribute: [
                  { to: 'eu/*', weight: 70 },
                  { to: 'us/*', weight: 30 },
                ],
              }
            : { own: OWN };
          const options = { settings: { kind: 'least-request' } as const, warmup: undefined, random: dice(seed) };
          const each = new Localities(all, settings, options);
          const isUp = (member: Member): boolean => instances[all.indexOf(member)]?.isUp === true;
          each.use(isUp);
          for (let time = 0; time < 20; time += 1) {
            const member = each.pick(time, undefined);
            if (all.some((one) => isUp(one))) assert.ok(member !== undefined && isUp(member));
            else assert.equal(member, undefined);
          }
        },
      ),
    );
  });
});
