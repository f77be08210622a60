import assert from 'node:assert/strict';

import { parseServiceName, serviceHost, SpiffeId, TrustDomain } from '@rampart/core';

import { outcome, textOf, type FuzzTarget } from '../engine/target.ts';

/** Names of workloads and services: SPIFFE IDs, trust domains, host names. */
export const identity: FuzzTarget = {
  name: 'identity',
  form: 'text',
  seeds: [
    'spiffe://cluster.local/ns/web/sa/frontend',
    'spiffe://td',
    'spiffe://td/a.b/c-d_e',
    'cluster.local',
    'orders-api.default.svc.cluster.local',
    'orders-api',
    '10.0.0.1',
  ],
  words: [
    'spiffe://',
    'SPIFFE://',
    '/ns/',
    '/sa/',
    '//',
    '/../',
    '/./',
    '%2F',
    '@',
    ':80',
    '?',
    '#',
    '.',
    '..',
    '-',
    '_',
    '\u0000',
    'é',
    'svc',
    'cluster.local',
  ],
  run: (input) => {
    const text = textOf(input);
    const id = SpiffeId.parse(text);
    if (id.ok) {
      assert.equal(id.value.toString(), text, 'an ID has more than one spelling');
      assert.equal(text, `spiffe://${id.value.principal}`);
      assert.ok(!/\/\.{1,2}(?:\/|$)|\/\/|\/$/.test(id.value.path), 'a path with odd segments');
      assert.ok(TrustDomain.parse(id.value.trustDomain.name).ok);
    }
    const domain = TrustDomain.parse(text);
    if (domain.ok) assert.equal(domain.value.name, text, 'a trust domain has more than one spelling');
    const service = parseServiceName(text, 'default');
    if (service !== undefined) {
      assert.deepEqual(
        parseServiceName(serviceHost(service), 'elsewhere'),
        service,
        'a name that does not find itself',
      );
    }
    const said = id.ok ? `id ${String(id.value.namespace !== undefined)}` : outcome(id.problem.replaceAll(text, ''));
    return `${said} ${String(domain.ok)} ${String(service !== undefined)}`;
  },
};
