import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { beforeEach, describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS, parseResource } from '@rampart/core';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { createIds } from '../../record/ids.ts';
import { MeshView } from '../../view/mesh-view.ts';
import { InboundConnection } from '../connection.ts';
import type { Answer } from '../request/answer.ts';
import { InboundExchange } from '../request/exchange.ts';
import { RequestFacts } from '../request/facts.ts';
import { RequestLimits } from './request-limits.ts';

describe('limits of requests', () => {
  let clock: FakeClock;
  let limits: RequestLimits;
  let view: MeshView;
  let revision = 0;

  beforeEach(() => {
    clock = new FakeClock(1_000_000);
    limits = new RequestLimits({ clock, log: { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} } });
    view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    view.setWorkload({ namespace: 'shop', serviceAccount: 'orders', labels: {} }, 'cluster.local');
  });

  function apply(...specs: object[]): void {
    revision += 1;
    const resources = specs.map((spec, index) => {
      const name = `limit-${index}`;
      const parsed = parseResource({
        apiVersion: 'rampart.dev/v1',
        kind: 'RateLimit',
        metadata: { name, namespace: 'shop' },
        spec,
      });
      assert.ok(parsed.ok, JSON.stringify(parsed));
      return [`RateLimit/shop/${name}`, parsed.value] as const;
    });
    view.apply({ revision, reset: true, resources, services: [], revokedSerials: [] });
  }

  interface Taken {
    readonly exchange: InboundExchange;
    readonly answer: Answer | undefined;
  }

  function request(headers: Record<string, string> = {}, url = '/orders/7'): Taken {
    const options = { socket: new Socket(), peer: undefined, tlsVersion: '', port: 80, sni: '', openedAt: clock.now() };
    const connection = new InboundConnection(options, view, undefined);
    const all = { host: 'orders', ...headers };
    const rawHeaders = Object.entries(all).flat();
    const headersDistinct = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]]));
    const message = { method: 'GET', url, httpVersion: '1.1', headers: all, headersDistinct, rawHeaders };
    const stopwatch = { elapsed: () => 0, unixTime: () => 0 };
    const exchange = new InboundExchange(connection, message, { ids: createIds(), stopwatch });
    const facts = RequestFacts.read(message, connection);
    assert.ok(facts.ok);
    return { exchange, answer: limits.take(exchange, facts.value) };
  }

  const codes = (count: number, headers?: Record<string, string>): number[] =>
    Array.from({ length: count }, () => request(headers).answer?.code ?? 200);
  const passed = (count: number, headers?: Record<string, string>): number =>
    codes(count, headers).filter((code) => code === 200).length;
  const header = ({ answer }: Taken, name: string): string | undefined => {
    const at = answer?.headers.findIndex((text, index) => index % 2 === 0 && text === name) ?? -1;
    return at === -1 ? undefined : answer?.headers[at + 1];
  };

  it('let as many at once through as the burst, and then as many a second as the rate', async () => {
    apply({ rules: [{ name: 'all', requests: 10, unit: 'SECOND', burst: 3 }] });
    assert.deepEqual(codes(4), [200, 200, 200, 429]);
    await clock.advance(100);
    assert.equal(passed(5), 1);
    await clock.advance(10_000);
    assert.equal(passed(5), 3);
  });

  it('answer with when to come back', async () => {
    apply({ rules: [{ name: 'all', requests: 60, unit: 'MINUTE', burst: 1 }] });
    request();
    await clock.advance(250);
    const refused = request();
    assert.equal(refused.answer?.body, 'local_rate_limited');
    assert.equal(header(refused, 'retry-after'), '1');
    assert.equal(header(refused, 'ratelimit-policy'), '"all";q=60;w=60');
    assert.equal(header(refused, 'ratelimit'), '"all";r=0;t=1');
    assert.equal(refused.exchange.flag, 'RL');
    assert.match(
      refused.answer?.verdict.reason ?? '',
      /RateLimit shop\/limit-0, rule all: no more than 60 requests in 60 s/,
    );
  });

  it('count each key apart', () => {
    apply({ rules: [{ name: 'tenants', key: ['request.headers[x-tenant]'], requests: 2, unit: 'HOUR' }] });
    assert.equal(passed(5, { 'x-tenant': 'a' }), 2);
    assert.equal(passed(5, { 'x-tenant': 'b' }), 2);
    assert.equal(passed(5), 2);
  });

  it('of concurrency let one in when another is on record', () => {
    apply({ rules: [{ name: 'few', concurrency: 2 }] });
    const [first, , third] = [request(), request(), request()];
    assert.equal(third.answer?.code, 429);
    assert.equal(header(third, 'ratelimit-policy'), '"few";q=2;qu="concurrent-requests"');
    first.exchange.end();
    assert.deepEqual(codes(2), [200, 429]);
  });

  it('take nothing from the other rules for a request that one of them refuses', () => {
    apply({
      rules: [
        { name: 'wide', requests: 3, unit: 'HOUR', concurrency: 3 },
        { name: 'narrow', match: [{ headers: [{ name: 'x-batch', values: ['*'] }] }], requests: 1, unit: 'HOUR' },
      ],
    });
    const batch = { 'x-batch': 'yes' };
    const first = request(batch);
    assert.equal(first.answer, undefined);
    assert.equal(passed(10, batch), 0);
    assert.equal(passed(10), 2);
  });

  it('in SHADOW refuse nothing, and say what they would have refused', () => {
    apply({ mode: 'SHADOW', rules: [{ name: 'all', requests: 1, unit: 'HOUR' }] });
    assert.equal(request().exchange.verdict.dryRun.length, 0);
    const second = request();
    assert.equal(second.answer, undefined);
    assert.deepEqual(second.exchange.verdict.dryRun, [{ policy: 'shop/limit-0', would: 'DENY' }]);
    assert.deepEqual(limits.hits, [{ policy: 'shop/limit-0', rule: 'all', isShadow: true, refused: 1 }]);
  });

  it('go on counting over a revision that changes another policy', () => {
    const hourly = { rules: [{ name: 'all', requests: 2, unit: 'HOUR' }] };
    apply(hourly);
    assert.equal(passed(1), 1);
    apply(hourly, { rules: [{ name: 'other', concurrency: 5 }] });
    assert.equal(passed(5), 1);
  });

  it('count who was under way before the limit of concurrency was changed', () => {
    apply({ rules: [{ name: 'few', concurrency: 2 }] });
    const [first, second] = [request(), request()];
    apply({ rules: [{ name: 'few', concurrency: 3 }] });
    assert.equal(passed(2), 1);
    first.exchange.end();
    second.exchange.end();
    assert.equal(passed(3), 2);
  });

  it('are hit and counted by rule', () => {
    apply({ rules: [{ name: 'all', requests: 1, unit: 'HOUR' }] });
    codes(4);
    assert.deepEqual(limits.hits, [{ policy: 'shop/limit-0', rule: 'all', isShadow: false, refused: 3 }]);
  });
});
