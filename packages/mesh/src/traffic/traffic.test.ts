import type { CompiledAnswer, RoutedRequest } from '@rampart/core';

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '@rampart/testkit/fake-clock';
import fc from 'fast-check';

import type { MeshService } from '../view/endpoint.ts';
import { COMPLETE } from '../record/ending.ts';
import type { Ending } from '../record/ending.ts';
import type { CallDriver, Try } from './call/driver.ts';
import type { TrafficCall } from './call/traffic-call.ts';
import { dice, endpoint, serviceOf } from './members.fixture.ts';
import type { GroupPolicy } from './settings/group-policy.ts';
import type { RetrySettings } from './settings/resilience.ts';
import type { RouteSettings, ServiceRules } from './settings/route.ts';
import { Traffic } from './traffic.ts';

const REQUEST: RoutedRequest = { method: 'GET', url: '/items?q=1', authority: 'a:80', headers: {} };
const TO_A: RouteSettings['destinations'] = [{ host: 'a', weight: 100 }];
const RETRIES: RetrySettings = { attempts: 2, on: new Set(['5xx']), statuses: new Set(), backoffMs: 10 };

class Recording implements CallDriver {
  canBeRepeated = true;
  readonly tries: Try[] = [];
  readonly mirrors: Try[] = [];
  drops = 0;
  own: (CompiledAnswer & Ending) | undefined;
  broken: Ending | undefined;

  send(attempt: Try): void {
    this.tries.push(attempt);
  }
  mirror(copy: Try): void {
    this.mirrors.push(copy);
  }
  drop(): void {
    this.drops += 1;
  }
  answer(answer: CompiledAnswer, ending: Ending): void {
    assert.equal(this.own ?? this.broken, undefined, 'answered twice');
    this.own = { ...answer, ...ending };
  }
  breakOff(ending: Ending): void {
    assert.equal(this.own ?? this.broken, undefined, 'broken off twice');
    this.broken = ending;
  }
}

interface World {
  readonly clock: FakeClock;
  readonly traffic: Traffic;
  readonly services: Map<string, MeshService>;
  begin(
    route?: RouteSettings,
    request?: Partial<RoutedRequest>,
  ): { readonly driver: Recording; readonly call: TrafficCall };
}

function world(
  policy: GroupPolicy = {},
  subsets: Readonly<Record<string, Record<string, string>>> = {},
  connection?: ServiceRules['connection'],
): World {
  const clock = new FakeClock(0);
  let route: RouteSettings | undefined;
  const rules: ServiceRules = {
    route: () => route,
    ...(connection === undefined ? {} : { connection }),
    policy: () => policy,
    subset: (name) => subsets[name],
  };
  const services = new Map([['a', serviceOf([0, 1, 2].map((index) => endpoint(index)))]]);
  const traffic = new Traffic({
    clock,
    stopwatch: { elapsed: () => clock.now() },
    random: dice(9),
    rules: () => ({ forService: (_, name) => (name === 'a' ? rules : undefined) }),
    reach: (host) => services.get(host) ?? { status: 503, flag: 'NC', reason: `nobody knows ${host}` },
    caller: () => 'me',
  });
  return {
    clock,
    traffic,
    services,
    begin(chosen, request) {
      route = chosen ?? { destinations: TO_A };
      const service = services.get('a');
      assert.ok(service !== undefined);
      const driver = new Recording();
      const call = traffic.about(service, 80)?.call({ ...REQUEST, ...request }, driver);
      assert.ok(call !== undefined);
      call.begin();
      return { driver, call };
    },
  };
}

function idOf(attempt: Try | undefined): string | undefined {
  return attempt?.target.endpoint.instanceId;
}

describe('traffic', () => {
  it('no rule about a service: one look, and nothing else', () => {
    assert.equal(world().traffic.about(serviceOf([endpoint(0)], 'b'), 80), undefined);
  });

  it('a request goes to an instance, and its answer to the caller', () => {
    const { driver, call } = world().begin();
    assert.equal(driver.tries.length, 1);
    assert.equal(call.answered(200), true);
    call.finished();
    assert.equal(call.ending(COMPLETE).flag, '-');
  });

  it('a request that no route is about is answered with 404, NR', () => {
    const { traffic, services } = world();
    const service = services.get('a');
    assert.ok(service !== undefined);
    const driver = new Recording();
    traffic.about(service, 80)?.call(REQUEST, driver).begin();
    assert.deepEqual([driver.own?.status, driver.own?.flag], [404, 'NR']);
  });

  it('requests are shared by weight, subset and host', () => {
    const here = world({}, { v2: { version: 'v2' } });
    here.services.set(
      'a',
      serviceOf([0, 1, 2].map((index) => endpoint(index, { labels: { version: index === 2 ? 'v2' : 'v1' } }))),
    );
    here.services.set('b', serviceOf([endpoint(7)], 'b'));
    const counts = new Map<string | undefined, number>();
    const destinations = [
      { host: 'a', subset: 'v2', weight: 30 },
      { host: 'b', weight: 70 },
    ];
    for (let time = 0; time < 1000; time += 1) {
      const { driver, call } = here.begin({ destinations });
      const id = idOf(driver.tries[0]);
      counts.set(id, (counts.get(id) ?? 0) + 1);
      call.answered(200);
      call.finished();
    }
    assert.deepEqual(
      [...counts.keys()].toSorted((one, other) => ((one ?? '') < (other ?? '') ? -1 : 1)),
      ['i2', 'i7'],
    );
    assert.ok(Math.abs((counts.get('i7') ?? 0) - 700) < 60);
  });

  const refused: readonly (readonly [what: string, route: RouteSettings, status: number, flag: string])[] = [
    ['a subset that no rule defines', { destinations: [{ host: 'a', subset: 'v9', weight: 1 }] }, 503, 'NR'],
    ['a host that leads nowhere', { destinations: [{ host: 'z', weight: 1 }] }, 503, 'NC'],
    ['an error on purpose', { destinations: TO_A, fault: { abort: { share: 1, status: 418 } } }, 418, 'FI'],
    [
      'a route that is refused',
      { destinations: [], refusal: { status: 403, flag: 'UAEX', reason: 'no' } },
      403,
      'UAEX',
    ],
  ];
  for (const [what, route, status, flag] of refused) {
    it(`${what}: ${status} ${flag}, and nothing is sent`, () => {
      const { driver } = world().begin(route);
      assert.deepEqual([driver.own?.status, driver.own?.flag, driver.tries.length], [status, flag, 0]);
    });
  }

  it('of ports that nobody serves only a few are remembered, whatever callers ask for', () => {
    const { traffic } = world();
    const service = serviceOf([endpoint(0), endpoint(1)], 'b');
    for (let port = 10_000; port < 12_000; port += 1) assert.equal(traffic.of(service, port).pick(), undefined);
    assert.ok(traffic.clusters().length < 100, String(traffic.clusters().length));
    assert.notEqual(traffic.of(service, endpoint(0).port).pick(), undefined);
  });

  it('a delay on purpose comes before the request, and is told by DI', async () => {
    const here = world();
    const { driver, call } = here.begin({ destinations: TO_A, fault: { delay: { share: 1, milliseconds: 700 } } });
    await here.clock.advance(699);
    assert.equal(driver.tries.length, 0);
    await here.clock.advance(1);
    assert.equal(driver.tries.length, 1);
    call.answered(200);
    assert.equal(call.ending(COMPLETE).flag, 'DI');
  });

  it('faults are put in as often as the rule says', () => {
    const here = world();
    let aborted = 0;
    for (let time = 0; time < 2000; time += 1) {
      const { driver, call } = here.begin({ destinations: TO_A, fault: { abort: { share: 0.25, status: 500 } } });
      if (driver.own !== undefined) aborted += 1;
      else call.abandoned();
    }
    assert.ok(Math.abs(aborted - 500) < 80, `${aborted}`);
  });

  it('a copy goes to the mirror, named as one', () => {
    const here = world();
    here.services.set('b', serviceOf([endpoint(7)], 'b'));
    const { driver } = here.begin({ destinations: TO_A, mirrors: [{ host: 'b', share: 1 }] });
    assert.deepEqual([idOf(driver.mirrors[0]), driver.mirrors[0]?.authority], ['i7', 'a-shadow:80']);
    assert.equal(driver.tries.length, 1);
  });
});

describe('retries', () => {
  it('go to another instance, until the answer is good', async () => {
    const here = world();
    const { driver, call } = here.begin({ destinations: TO_A, retries: RETRIES });
    assert.equal(call.answered(503), false);
    await here.clock.advance(100);
    call.broke({ end: 'reset', wasSent: true, reason: 'gone' });
    await here.clock.advance(100);
    assert.equal(call.answered(200), true);
    assert.equal(new Set(driver.tries.map((attempt) => idOf(attempt))).size, 3);
  });

  it('used up, the last answer is the caller’s, with URX', async () => {
    const here = world();
    const { driver, call } = here.begin({ destinations: TO_A, retries: RETRIES });
    for (let time = 0; time < 2; time += 1) {
      assert.equal(call.answered(500), false);
      await here.clock.advance(100);
    }
    assert.equal(call.answered(500), true);
    assert.deepEqual([driver.tries.length, call.ending(COMPLETE).flag], [3, 'URX']);
  });

  it('used up without any answer: 503 UF,URX', async () => {
    const here = world();
    const { driver, call } = here.begin({ destinations: TO_A, retries: RETRIES });
    for (let time = 0; time < 3; time += 1) {
      call.broke({ end: 'connect-failure', wasSent: false, reason: 'refused' });
      await here.clock.advance(100);
    }
    assert.deepEqual([driver.own?.status, driver.own?.flag], [503, 'UF,URX']);
  });

  it('are not made where they are not safe', () => {
    const { call } = world().begin({ destinations: TO_A, retries: RETRIES }, { method: 'POST' });
    assert.equal(call.answered(503), true);
  });

  it('a try that takes too long is given up for the next one', async () => {
    const here = world();
    const { driver, call } = here.begin({ destinations: TO_A, retries: { ...RETRIES, perTryTimeoutMs: 50 } });
    await here.clock.advance(70);
    assert.equal(driver.drops, 1);
    assert.equal(driver.tries.length, 2);
    assert.equal(call.answered(200), true);
  });
});

describe('timeouts', () => {
  it('no answer in time: 504 UT', async () => {
    const here = world();
    const { driver } = here.begin({ destinations: TO_A, timeoutMs: 200 });
    await here.clock.advance(200);
    assert.deepEqual([driver.own?.status, driver.own?.flag, driver.drops], [504, 'UT', 1]);
  });

  it('an answer that has begun and does not end in time is broken off', async () => {
    const here = world();
    const { driver, call } = here.begin({ destinations: TO_A, timeoutMs: 200 });
    call.answered(200);
    await here.clock.advance(200);
    assert.equal(driver.broken?.flag, 'UT');
  });
});

describe('circuit breaker of a service', () => {
  it('one request too many: 503 UO; the next one is served again', () => {
    const here = world({ limits: { requests: 1, pending: 0 } });
    const first = here.begin();
    const second = here.begin();
    assert.deepEqual([second.driver.own?.status, second.driver.own?.flag], [503, 'UO']);
    first.call.answered(200);
    first.call.finished();
    assert.equal(here.begin().driver.tries.length, 1);
  });

  it('a request that waits is sent when its turn comes, and answered when that is too late', async () => {
    const here = world({ limits: { requests: 1 } });
    const first = here.begin();
    const second = here.begin();
    const third = here.begin({ destinations: TO_A, timeoutMs: 100 });
    assert.equal(second.driver.tries.length, 0);
    first.call.abandoned();
    assert.equal(second.driver.tries.length, 1);
    await here.clock.advance(100);
    assert.equal(third.driver.own?.flag, 'UT');
    second.call.abandoned();
    assert.equal(third.driver.tries.length, 0);
  });
});

describe('a retry budget of a rule', () => {
  it('a share of the requests under way may be retries, and some in any case', () => {
    const here = world({ retryBudget: { share: 0.5, minimum: 1 } });
    const route = { destinations: TO_A, retries: RETRIES };
    const calls = [here.begin(route), here.begin(route), here.begin(route), here.begin(route)];
    assert.deepEqual(
      calls.map(({ call }) => call.answered(500)),
      [false, false, true, true],
    );
    assert.equal(calls[3]?.call.ending(COMPLETE).flag, 'UO');
  });
});

describe('affinity by a cookie', () => {
  const source = { of: 'cookie', name: 'stick', path: '/', ttlMs: 60_000 } as const;

  it('a caller without one is given one, and meets the same instance with it', () => {
    const here = world({ balancer: { kind: 'hash', table: 'ring', source } });
    for (let time = 0; time < 10; time += 1) {
      const first = here.begin();
      const [, , given] = first.call.responseHeaders;
      const [, cookie = ''] = given?.add[0] ?? [];
      assert.match(cookie, /^stick="[0-9a-f]{16}"; Max-Age=60; Path=\/; HttpOnly$/);
      const again = here.begin(undefined, { headers: { cookie: cookie.split(';')[0] } });
      assert.equal(idOf(again.driver.tries[0]), idOf(first.driver.tries[0]));
      assert.equal(again.call.responseHeaders[2], undefined);
    }
  });
});

describe('every instance out', () => {
  const outlier = {
    consecutive5xx: 1,
    consecutiveGateway: 0,
    consecutiveLocal: 0,
    intervalMs: 1000,
    baseEjectionMs: 1000,
    maxEjectionPercent: 100,
    minHealthPercent: 0,
  };
  const exhaust = (here: World): void => {
    for (let time = 0; time < 3; time += 1) {
      const { call } = here.begin();
      call.answered(500);
      call.finished();
    }
  };

  it('503 UH, and again an answer when the first is back', async () => {
    const here = world({ outlier });
    exhaust(here);
    const { driver } = here.begin();
    assert.deepEqual([driver.own?.status, driver.own?.flag], [503, 'UH']);
    await here.clock.advance(1000);
    assert.equal(here.begin().driver.tries.length, 1);
  });

  it('connections on which requests are not told apart go where a rule sends them', () => {
    const chosen = { host: 'a', weight: 100, subset: 'one' };
    const { traffic, services } = world({}, { one: { id: '1' } }, [chosen]);
    const service = serviceOf([0, 1, 2].map((index) => endpoint(index, { labels: { id: String(index) } })));
    services.set('a', service);
    const ids = Array.from({ length: 5 }, () => traffic.about(service, 80)?.pick()?.endpoint.labels['id']);
    assert.deepEqual([...new Set(ids)], ['1']);
  });

  it('a fallback of a rule, where nobody can be reached: UF', () => {
    const here = world({ fallback: { response: { status: 200, headers: [], body: '[]' } } });
    const { driver, call } = here.begin();
    call.broke({ end: 'connect-failure', wasSent: false, reason: 'refused' });
    assert.deepEqual([driver.own?.status, driver.own?.flag], [200, 'UF']);
  });

  it('a fallback of a rule', () => {
    const here = world({ outlier, fallback: { response: { status: 200, headers: [], body: '[]' } } });
    exhaust(here);
    const { driver } = here.begin();
    assert.deepEqual([driver.own?.status, driver.own?.flag, String(driver.own?.body)], [200, 'UH', '[]']);
  });
});

function befall(call: TrafficCall | undefined, event: string): void {
  if (event === 'finish') call?.finished();
  else if (event === 'abandon') call?.abandoned();
  else if (event === 'reset') call?.broke({ end: 'reset', wasSent: true, reason: event });
  else if (event === 'connect-failure') call?.broke({ end: 'connect-failure', wasSent: false, reason: event });
  else call?.answered(Number(event));
}

describe('whatever happens', () => {
  it('everything counted is counted back, and tries are never more than a rule allows', async () => {
    const event = fc.constantFrom('200', '503', 'connect-failure', 'reset', 'finish', 'abandon', 'wait', 'begin');
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
        const here = world({ limits: { requests: 2, pending: 2, retries: 1 } });
        const route: RouteSettings = {
          destinations: TO_A,
          retries: { ...RETRIES, perTryTimeoutMs: 30 },
          timeoutMs: 300,
        };
        const calls: { readonly driver: Recording; readonly call: TrafficCall }[] = [];
        for (const [index, each] of events.entries()) {
          if (each === 'begin') calls.push(here.begin(route));
          else if (each === 'wait') await here.clock.advance(20);
          else befall(calls[index % Math.max(1, calls.length)]?.call, each);
        }
        for (const { call, driver } of calls) {
          call.abandoned();
          assert.ok(driver.tries.length <= 3);
        }
        // Those of the two lengths of time that the rule gives fire once more, for nobody.
        assert.ok(here.clock.pending <= 2);
        await here.clock.advance(300);
        assert.equal(here.clock.pending, 0);
        const service = here.services.get('a');
        assert.ok(service !== undefined);
        const rest = here.traffic.about(service, 80)?.resolve(undefined);
        assert.ok(rest !== undefined && !('status' in rest));
        assert.deepEqual([rest.breaker.requests, rest.breaker.waiting], [0, 0]);
        assert.ok(rest.group.members.every(({ inFlight }) => inFlight === 0));
        assert.equal(rest.breaker.retry(), true);
      }),
      { numRuns: 60 },
    );
  });
});
