// Federated trust domains, field by field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResource, toJson } from '../../index.ts';
import { expectRefusal, expectSilence, type Refusal } from '../../testing/refusals.ts';

const SPIFFE = { type: 'https_spiffe', endpointSpiffeId: 'spiffe://partner.example/ns/istio-system/sa/rampart-server' };
const BUNDLE = '{"keys":[],"spiffe_sequence":1}';
const federated = (change: object): Record<string, unknown> => ({
  apiVersion: 'rampart.dev/v1',
  kind: 'FederatedTrustDomain',
  metadata: { name: 'partner', namespace: 'istio-system' },
  spec: {
    trustDomain: 'partner.example',
    bundleEndpointUrl: 'https://partner.example:8443/bundle',
    bundleEndpointProfile: SPIFFE,
    trustDomainBundle: BUNDLE,
    ...change,
  },
});
const without = (...names: readonly string[]): Record<string, unknown> =>
  federated(Object.fromEntries(names.map((name) => [name, undefined])));
const url = (text: string): Record<string, unknown> => federated({ bundleEndpointUrl: text });

for (const [what, document] of [
  ['https_spiffe with a first bundle', federated({})],
  ['https_web with a first bundle', federated({ bundleEndpointProfile: { type: 'https_web' } })],
  ['https_web without', federated({ bundleEndpointProfile: { type: 'https_web' }, trustDomainBundle: undefined })],
  [
    'an endpoint of another trust domain, whose bundle comes from elsewhere',
    federated({
      bundleEndpointProfile: { type: 'https_spiffe', endpointSpiffeId: 'spiffe://relay.example/a' },
      trustDomainBundle: undefined,
    }),
  ],
  ['an address in place of a host', url('https://192.0.2.1/')],
  ['an IPv6 address', url('https://[2001:db8::1]:443/bundle?a=b')],
  ['no path', url('https://partner.example')],
] as const) {
  test(`${what} is taken and reads back equal`, () => {
    const plain: unknown = JSON.parse(JSON.stringify(document));
    expectSilence(plain);
    const first = parseResource(plain);
    assert.ok(first.ok);
    const second = parseResource(JSON.parse(toJson(first.value)));
    assert.ok(second.ok);
    assert.deepEqual(second.value, first.value);
  });
}

const URL_FIELD = 'spec.bundleEndpointUrl';
const PROFILE = 'spec.bundleEndpointProfile';
const REFUSED: readonly Refusal[] = [
  ['no trust domain', without('trustDomain'), 'spec', /needs trustDomain/],
  ['a trust domain in capitals', federated({ trustDomain: 'Partner.example' }), 'spec.trustDomain', /lower case/],
  ['a SPIFFE ID as trust domain', federated({ trustDomain: 'spiffe://a' }), 'spec.trustDomain', /may only hold/],
  ['no URL', without('bundleEndpointUrl'), 'spec', /needs bundleEndpointUrl/],
  ['http', url('http://partner.example/'), URL_FIELD, /https URL/],
  ['no host', url('https:///bundle'), URL_FIELD, /https URL/],
  ['user information', url('https://me:secret@partner.example/'), URL_FIELD, /user information/],
  ['a fragment', url('https://partner.example/#a'), URL_FIELD, /https URL|fragment/],
  ['a host that is none', url('https://partner example/'), URL_FIELD, /host/],
  ['a backslash', url('https://partner.example\\@evil.example/'), URL_FIELD, /https URL/],
  ['no profile', without('bundleEndpointProfile'), 'spec', /needs bundleEndpointProfile/],
  ['a profile without type', federated({ bundleEndpointProfile: {} }), PROFILE, /needs type/],
  ['another profile', federated({ bundleEndpointProfile: { type: 'https' } }), `${PROFILE}.type`, /https_web/],
  [
    'https_spiffe without an identity',
    federated({ bundleEndpointProfile: { type: 'https_spiffe' } }),
    PROFILE,
    /endpointSpiffeId/,
  ],
  [
    'https_web with an identity',
    federated({ bundleEndpointProfile: { ...SPIFFE, type: 'https_web' } }),
    `${PROFILE}.endpointSpiffeId`,
    /https_spiffe/,
  ],
  [
    'a trust domain for the identity of a server',
    federated({ bundleEndpointProfile: { type: 'https_spiffe', endpointSpiffeId: 'spiffe://partner.example' } }),
    `${PROFILE}.endpointSpiffeId`,
    /names a trust domain/,
  ],
  ['https_spiffe without a first bundle', without('trustDomainBundle'), 'spec', /needs trustDomainBundle/],
  ['a bundle that is no JSON', federated({ trustDomainBundle: 'x' }), 'spec.trustDomainBundle', /bundle document/],
  ['a bundle without keys', federated({ trustDomainBundle: '{}' }), 'spec.trustDomainBundle', /bundle document/],
  ['a bundle that is an object', federated({ trustDomainBundle: { keys: [] } }), 'spec.trustDomainBundle', /JSON text/],
];
for (const [what, document, ...rest] of REFUSED) {
  test(`a federated trust domain is refused for ${what}`, () =>
    expectRefusal([what, JSON.parse(JSON.stringify(document)) as Record<string, unknown>, ...rest]));
}
