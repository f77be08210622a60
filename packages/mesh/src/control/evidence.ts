import type { KeyObject } from 'node:crypto';

import { provePossession } from '@rampart/spiffe';
import { AttestRequest, ChallengeRequest, ChallengeResponse } from '@rampart/wire/control';

import type { Channel, MethodPath } from './connect/channel.ts';

/** What a workload shows for its first certificate. What is read is read anew at each attempt: platforms replace such files. */
export type WorkloadEvidence =
  /** A secret that works once. */
  | { readonly kind: 'join-token'; readonly token: string }
  /** A token of the platform: Kubernetes, a cloud, a CI system. */
  | { readonly kind: 'jwt'; readonly read: () => string }
  /** A certificate of another authority, with its key; DER, leaf first. */
  | {
      readonly kind: 'x509pop';
      readonly read: () => { readonly chain: readonly Uint8Array[]; readonly key: KeyObject };
    };

const CHALLENGE: MethodPath = '/rampart.v1.IdentityService/Challenge';
const ATTEST: MethodPath = '/rampart.v1.IdentityService/Attest';
const TIMEOUT_MS = 15_000;

/** Shows evidence for a certificate signing request; resolves with an encoded `SvidResponse`. */
export async function showEvidence(
  channel: Channel,
  evidence: WorkloadEvidence,
  { csr, agent }: { readonly csr: Uint8Array; readonly agent: boolean },
): Promise<Uint8Array> {
  const shown = await evidenceFor(channel, evidence, csr);
  return channel.unary(ATTEST, AttestRequest.encode({ evidence: shown, csr, agent }).finish(), TIMEOUT_MS);
}

async function evidenceFor(
  channel: Channel,
  evidence: WorkloadEvidence,
  csr: Uint8Array,
): Promise<AttestRequest['evidence']> {
  switch (evidence.kind) {
    case 'join-token':
      return { $case: 'joinToken', value: evidence.token };
    case 'jwt':
      return { $case: 'jwt', value: { token: evidence.read() } };
    case 'x509pop': {
      const { chain, key } = evidence.read();
      const asked = await channel.unary(CHALLENGE, ChallengeRequest.encode({}).finish(), TIMEOUT_MS);
      const { nonce, trustDomain } = ChallengeResponse.decode(asked);
      const signature = provePossession(key, { label: 'rampart x509pop v1', trustDomain, nonce, csr });
      return { $case: 'x509pop', value: { chain: [...chain], nonce, signature } };
    }
  }
}
