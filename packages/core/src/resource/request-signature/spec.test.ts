import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseResource, toJson } from '../../index.ts';
import { expectRefusal, expectSilence, type Refusal } from '../../testing/refusals.ts';
import { requestSignature } from '../../testing/resource-json.ts';

const refused: readonly Refusal[] = [
  ['no signers', requestSignature({ signers: undefined }), 'spec', /needs signers/],
  ['an empty list of signers', requestSignature({ signers: [] }), 'spec.signers', /nobody could sign/],
  ['a signer with its scheme', requestSignature({ signers: ['spiffe://a/b'] }), 'spec.signers[0]', /without "spiffe/],
  ['an unknown field', requestSignature({ maxage: '5s' }), 'spec.maxage', /did you mean "maxAge"/],
  ['an age of more than five minutes', requestSignature({ maxAge: '6m' }), 'spec.maxAge', /from 1ms to 5m$/],
  ['a component in upper case', requestSignature({ components: ['X-Tenant'] }), 'spec.components[0]', /lower case/],
  ['a derived component that is none', requestSignature({ components: ['@body'] }), 'spec.components[0]', /@authority/],
  ['what hops set', requestSignature({ components: ['x-forwarded-for'] }), 'spec.components[0]', /not the caller/],
  ['the signature itself', requestSignature({ components: ['signature'] }), 'spec.components[0]', /not the caller/],
  ['a host that is none', requestSignature({ hosts: ['http://orders'] }), 'spec.hosts[0]', /name of a service/],
  ['a body without end', requestSignature({ maxBodyBytes: 99_999_999 }), 'spec.maxBodyBytes', /16777216/],
  ['failOpen as text', requestSignature({ failOpen: 'yes' }), 'spec.failOpen', /must be true or false/],
  ['a match that matches nothing', requestSignature({ match: [] }), 'spec.match', /would match nothing/],
];
for (const refusal of refused) test(`${refusal[0]} is refused`, () => expectRefusal(refusal));

const full = requestSignature({
  selector: { matchLabels: { app: 'orders-api' } },
  match: [{ paths: ['/pay'] }],
  components: ['@authority', 'x-tenant', 'authorization'],
  maxAge: '30s',
  maxBodyBytes: 4096,
  hosts: ['gateway', 'orders-api.shop.svc.cluster.local'],
  failOpen: true,
});
test('every field is accepted', () => expectSilence(full));
test('what is written is read again', () => {
  const parsed = parseResource(full);
  assert.ok(parsed.ok);
  const again = parseResource(JSON.parse(toJson(parsed.value)));
  assert.deepEqual(again, parsed);
});
