import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openRecordBlock } from '@rampart/wire';
import type { RecordInput } from '@rampart/wire/record-block';
import fc from 'fast-check';
import { recordBlock } from '../../testing/records.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { type Report, TrafficWindow } from './traffic-window.ts';

const SERVICE = 'orders-api.default.svc';
const NOW = 1_800_000_000_000;

type Request = Partial<RecordInput>;

function block(...requests: readonly Request[]): ReturnType<typeof openRecordBlock> {
  return openRecordBlock(recordBlock(requests.map((request) => ({ destinationService: SERVICE, ...request }))));
}

function report(at: number, ...requests: readonly Request[]): Report {
  return { block: block(...requests), served: new Set([SERVICE]), at };
}

function counted(...requests: readonly Request[]): readonly number[] {
  const window = new TrafficWindow(10_000);
  window.add(report(NOW, ...requests));
  const tally = window.read(NOW).get(SERVICE);
  return tally === undefined ? [] : [tally.requests, tally.succeeded, tally.denied, tally.overMtls, tally.arrived];
}

describe('the requests of a service', () => {
  const cases: readonly (readonly [rule: string, requests: readonly Request[], counts: readonly number[]])[] = [
    ['an answer below 500 is a success', [{}, { responseCode: 404 }], [2, 2, 0, 2, 2]],
    ['a server error is none', [{ responseCode: 503 }], [1, 0, 0, 1, 1]],
    ['an answer that was broken off is none', [{ responseFlags: 'UC' }], [1, 0, 0, 1, 1]],
    ['what policy refuses is neither', [{ decision: 'DENY', responseCode: 403 }], [1, 0, 1, 1, 1]],
    [
      'a connection without HTTP that nothing ended is a success',
      [{ protocol: 'TCP', responseCode: 0 }],
      [1, 1, 0, 1, 1],
    ],
    [
      'and one that was broken off is none',
      [{ protocol: 'TCP', responseCode: 0, responseFlags: 'UC' }],
      [1, 0, 0, 1, 1],
    ],
    ['plaintext arrives without mutual TLS', [{ tlsVersion: '' }], [1, 1, 0, 0, 1]],
    ['a request that arrived counts once', [{}, { reporter: 'source' }], [1, 1, 0, 1, 1]],
    [
      'a request that never arrived counts by its caller',
      [{ reporter: 'source', responseCode: 503, responseFlags: 'UH' }],
      [1, 0, 0, 0, 0],
    ],
    [
      'so does what the caller’s own side denied',
      [{ reporter: 'source', decision: 'DENY', responseCode: 403, responseFlags: 'UAEX' }],
      [1, 0, 1, 0, 0],
    ],
  ];
  for (const [rule, requests, expected] of cases) it(rule, () => assert.deepEqual(counted(...requests), expected));

  it('are forgotten once the window is past them, and never counted where it was', () => {
    const window = new TrafficWindow(3000);
    window.add(report(NOW, {}));
    window.add(report(NOW + 2000, {}));
    assert.equal(window.read(NOW + 2999).get(SERVICE)?.requests, 2);
    assert.equal(window.read(NOW + 3000).get(SERVICE)?.requests, 1);
    window.add(report(NOW - 2000, {}));
    assert.equal(window.read(NOW + 3000).get(SERVICE)?.requests, 1);
    assert.equal(window.read(NOW + 60_000).size, 0);
  });

  it('have durations whose quantiles are told to a twentieth', () => {
    const durations = fc.array(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99, 1), (micros, share) => {
        const histogram = new LatencyHistogram();
        for (const each of micros) histogram.add(each);
        const exact = micros.toSorted((a, b) => a - b)[Math.ceil(micros.length * share) - 1] ?? 0;
        const told = histogram.quantile(share);
        assert.ok(Math.abs(told - exact) <= Math.max(0.05 * exact, 1), `${told} for ${exact}`);
      }),
    );
  });
});
