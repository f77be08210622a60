import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { Peers } from './peers.ts';
import type { PeerIdentityFacts } from './peers.ts';

const ID = 'spiffe://cluster.local/ns/web/sa/api';
const PROOF = { ip: '10.0.0.1', spiffeId: ID, principal: 'cluster.local/ns/web/sa/api', serial: 'aa' };
const alike: PeerIdentityFacts = {
  spiffeId: ID,
  namespace: 'web',
  variants: [{ labels: { app: 'api' }, serials: [] }],
};
const mixed: PeerIdentityFacts = {
  spiffeId: ID,
  namespace: 'web',
  variants: [
    { labels: { v: '1' }, serials: ['aa', 'ab'] },
    { labels: { v: '2' }, serials: ['bb'] },
  ],
};

function peersOf(...identities: PeerIdentityFacts[]): Peers {
  const peers = new Peers();
  peers.apply({ reset: true, identities, namespaces: [] });
  return peers;
}

const labelsOf = (peers: Peers, serial: string | undefined): unknown =>
  peers.candidates({ ...PROOF, serial }).map(({ labels }) => labels);

describe('peers', () => {
  it('whoever proved nothing is an address', () => {
    const nobody = { ip: '10.0.0.1', spiffeId: undefined, principal: undefined, serial: undefined };
    assert.deepEqual(peersOf(alike).candidates(nobody), [{ ip: '10.0.0.1' }]);
  });

  it('an identity that was not heard of is an address, with a name for the record', () => {
    assert.deepEqual(peersOf().candidates(PROOF), [{ ip: '10.0.0.1', principal: PROOF.principal }]);
  });

  it('holders that are alike need not be told apart', () => {
    assert.deepEqual(labelsOf(peersOf(alike), 'whatever'), [{ app: 'api' }]);
  });

  it('holders that differ are told apart by their certificates', () => {
    assert.deepEqual(labelsOf(peersOf(mixed), 'ab'), [{ v: '1' }]);
    assert.deepEqual(labelsOf(peersOf(mixed), 'bb'), [{ v: '2' }]);
  });

  it('a certificate that was not heard of yet may be any of them', () => {
    assert.deepEqual(labelsOf(peersOf(mixed), 'cc'), [{ v: '1' }, { v: '2' }]);
  });

  it('is forgotten when nobody holds it, and when everything is told anew', () => {
    const peers = peersOf(alike);
    peers.apply({ reset: false, identities: [{ ...alike, variants: [] }], namespaces: [] });
    assert.deepEqual(labelsOf(peers, 'aa'), [undefined]);
    const others = peersOf(alike);
    others.apply({ reset: true, identities: [], namespaces: [] });
    assert.deepEqual(labelsOf(others, 'aa'), [undefined]);
  });

  it('knows namespaces by their resources, and by their names without one', () => {
    const peers = peersOf(alike);
    assert.deepEqual(peers.namespaceLabels('web'), { name: 'web', 'kubernetes.io/metadata.name': 'web' });
    peers.apply({ reset: false, identities: [], namespaces: [['web', { env: 'production' }]] });
    const described = { env: 'production', 'kubernetes.io/metadata.name': 'web' };
    assert.deepEqual(peers.namespaceLabels('web'), described);
    assert.deepEqual(peers.candidates(PROOF)[0]?.namespaceLabels, described);
    peers.apply({ reset: false, identities: [], namespaces: [['web', undefined]] });
    assert.deepEqual(peers.namespaceLabels('web'), { name: 'web', 'kubernetes.io/metadata.name': 'web' });
  });
});
