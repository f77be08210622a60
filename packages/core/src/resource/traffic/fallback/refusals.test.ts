import { test } from 'node:test';
import { expectRefusal, expectSilence, type Refusal } from '../../../testing/refusals.ts';

const fallback = (fields: object): Record<string, unknown> => ({
  apiVersion: 'rampart.dev/v1',
  kind: 'Fallback',
  metadata: { name: 'x', namespace: 'shop' },
  spec: { host: 'orders', response: { status: 200 }, ...fields },
});
const response = (fields: object): Record<string, unknown> => fallback({ response: { status: 200, ...fields } });
const RESPONSE = 'spec.response';
const nothing = { ...fallback({}), spec: { host: 'orders' } };
const earlier = { ...fallback({}), spec: { host: 'orders', stale: { maxAge: '10m' } } };

const refused: readonly Refusal[] = [
  ['many hosts', fallback({ host: '*.shop' }), 'spec.host', /must be one host/],
  ['nothing to answer with', nothing, 'spec', /needs response or stale/],
  ['stale answers of any age', fallback({ stale: {} }), 'spec.stale', /needs maxAge/],
  ['stale answers of days ago', fallback({ stale: { maxAge: '48h' } }), 'spec.stale.maxAge', /from 1ms to 24h/],
  ['a response without status', fallback({ response: {} }), RESPONSE, /needs status/],
  ['a status that is none', response({ status: 99 }), `${RESPONSE}.status`, /from 200 to 599/],
  ['a body that is too long', response({ body: 'x'.repeat(65_537) }), `${RESPONSE}.body`, /at most 64 KiB/],
  [
    'a header of framing',
    response({ headers: { Connection: 'close' } }),
    `${RESPONSE}.headers.Connection`,
    /how a message is sent/,
  ],
  ['a header with a space', response({ headers: { 'a b': 'c' } }), `${RESPONSE}.headers["a b"]`, /name of a header/],
];
for (const refusal of refused) test(`refuses ${refusal[0]}`, () => expectRefusal(refusal));

test('accepts a body of several lines, and none', () => {
  expectSilence(response({ body: '{\n}\n', headers: { 'content-type': 'application/json' } }));
  expectSilence(response({ body: '' }));
  expectSilence(earlier);
  expectSilence(fallback({ stale: { maxAge: '10m' } }));
});
