import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { auditRecord, createMemoryJournalStore, Journal } from '@rampart/journal';
import { FakeClock } from '../leases/fake-clock.ts';
import type { RegistryObservation } from './anomaly.ts';
import { AnomalyDetector } from './detector.ts';
import { neighbourhoodOf } from './network.ts';
import { watchedJournal } from './watched-journal.ts';

const ID = 'spiffe://cluster/ns/prod/sa/payment';
const registered = (fields: Partial<RegistryObservation> = {}): RegistryObservation => ({
  kind: 'registered',
  service: 'payment',
  namespace: 'prod',
  instanceId: `payment-${fields.host ?? '10.0.1.1'}`,
  identity: ID,
  host: '10.0.1.1',
  sourceIp: '10.0.1.1',
  ...fields,
});

describe('an anomaly', () => {
  let clock: FakeClock;
  let detector: AnomalyDetector;
  const open = (isForeseen: boolean | undefined): void => {
    clock = new FakeClock();
    detector = new AnomalyDetector({ clock, registrationsPerHour: () => 100, isForeseen: () => isForeseen });
    detector.learn(registered());
  };
  beforeEach(() => open(true));
  /** "kind score" of each reason. */
  const seen = (observation: RegistryObservation): string[] =>
    detector.observe(observation)?.reasons.map(({ kind, score }) => `${kind} ${score}`) ?? [];

  it('is nothing that was there before', () => assert.deepEqual(seen(registered()), []));

  it('is a first host, a first network and a first identity, each more than the other', () => {
    assert.deepEqual(seen(registered({ host: '10.0.1.2' })), ['new-host 0.3']);
    assert.deepEqual(seen(registered({ host: '10.99.99.99' })), ['new-network 0.6']);
    assert.deepEqual(seen(registered({ identity: 'token:x' })), ['new-identity 0.8']);
    assert.deepEqual(seen(registered({ host: '10.99.99.99', identity: 'token:x' })), []);
  });

  it('adds up over its reasons and never reaches beyond 1', () => {
    const anomaly = detector.observe(registered({ host: '10.99.99.99', identity: 'token:x' }));
    assert.equal(anomaly?.score, 0.92);
    assert.equal(anomaly.reasons[0]?.text, 'first seen with identity token:x; 1 known before');
  });

  it('says less at a service that moves about', () => {
    const scores = Array.from(
      { length: 17 },
      (_, n) => detector.observe(registered({ host: `10.${n + 1}.0.1` }))?.score ?? 0,
    );
    assert.deepEqual([scores[0], scores[8], scores[16]], [0.6, 0.3, 0.2]);
  });

  it('is a service that nobody foresaw, once', () => {
    const other = registered({ service: 'paymnt-service' });
    assert.deepEqual(seen(other), []);
    open(false);
    assert.deepEqual(seen(other), ['unknown-service 0.7']);
    assert.deepEqual(seen(other), []);
    open(undefined);
    assert.deepEqual(seen(other), ['unknown-service 0.3']);
  });

  it('is more than a hundred registrations within an hour, told of again when they double', () => {
    const told = Array.from({ length: 450 }, (_, n) => seen(registered({ instanceId: `p-${n}` }))).flatMap((kinds, n) =>
      kinds.map((kind) => `${n + 1} ${kind}`),
    );
    assert.deepEqual(told, [
      '101 registration-spike 0.504',
      '202 registration-spike 0.754',
      '404 registration-spike 1',
    ]);
    clock.advance(2 * 3_600_000);
    const again = Array.from({ length: 101 }, (_, n) => seen(registered({ instanceId: `q-${n}` })).length);
    assert.deepEqual([again.indexOf(1), again.reduce((sum, count) => sum + count, 0)], [100, 1]);
  });

  it('is no spike when as many come over a day', () => {
    for (let hour = 0; hour < 240; hour += 1) {
      assert.deepEqual(seen(registered({ instanceId: `p-${hour}` })), []);
      clock.advance(360_000);
    }
  });

  it('is an instance that comes and goes, told of once in ten minutes', () => {
    const turn = (n: number): string[] =>
      seen(
        registered({
          kind: n % 2 === 0 ? 'registered' : 'deregistered',
          host: n % 2 === 0 ? '10.0.1.1' : '',
          instanceId: 'p',
        }),
      );
    const told = Array.from({ length: 20 }, (_, n) => turn(n)).flatMap((kinds, n) =>
      kinds.map((kind) => `${n + 1} ${kind}`),
    );
    assert.deepEqual(told, ['6 flapping 0.5']);
    clock.advance(3_600_000);
    assert.deepEqual(turn(0), []);
  });

  it('is put on record with its score and reasons, once what it is about is durable', async () => {
    const journal = await Journal.open(createMemoryJournalStore(), clock);
    const failed = (error: unknown): never => assert.fail(String(error));
    const kinds: string[] = [];
    const watched = watchedJournal({
      journal,
      detector,
      failed,
      found: ({ reasons }) => kinds.push(...reasons.map(({ kind }) => kind)),
    });
    const details = { namespace: 'prod', host: '10.99.99.99', port: 8080 };
    await watched.audit({
      eventType: 'REGISTRATION',
      serviceName: 'payment',
      instanceId: 'p',
      identity: ID,
      sourceIp: '10.99.99.99',
      result: 'SUCCESS',
      details,
    });
    await watched.audit({
      eventType: 'REGISTRATION_DENIED',
      serviceName: 'payment',
      identity: 'token:x',
      result: 'DENIED',
    });
    await journal.settle();
    const records = (await journal.read({ stream: 'audit', limit: 10, order: 'oldest-first' })).map((entry) =>
      auditRecord(entry),
    );
    assert.deepEqual(
      records.map(({ event_type }) => event_type),
      ['REGISTRATION', 'REGISTRATION_ANOMALY', 'REGISTRATION_DENIED'],
    );
    assert.deepEqual(kinds, ['new-network']);
    assert.deepEqual(records[1]?.details, {
      namespace: 'prod',
      host: '10.99.99.99',
      score: 0.6,
      reasons: [{ kind: 'new-network', score: 0.6, text: 'first seen with network 10.99.99.0/24; 1 known before' }],
    });
  });
});

for (const [host, network] of [
  ['10.1.2.3', '10.1.2.0/24'],
  ['::ffff:10.1.2.3', '10.1.2.0/24'],
  ['200.1.2.3', '200.1.2.0/24'],
  ['2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
  ['Pay.Example', 'pay.example'],
] as const) {
  it(`the neighbourhood of ${host} is ${network}`, () => assert.equal(neighbourhoodOf(host), network));
}
