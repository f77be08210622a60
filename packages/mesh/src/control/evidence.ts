import type { KeyObject } from 'node:crypto';

import { bindingText, provePossession } from '@rampart/spiffe';
import { AttestRequest, ChallengeRequest, ChallengeResponse } from '@rampart/wire/control';

import { signCallerIdentity } from './caller-identity.ts';
import type { AwsCredentials } from './caller-identity.ts';
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
    }
  /** Credentials of a role or user of AWS, with which a request to that endpoint is signed. */
  | {
      readonly kind: 'aws-iam';
      readonly endpoint: URL;
      readonly region: string;
      readonly read: () => Promise<AwsCredentials>;
    }
  /** The process that started this one, and has the same identity, asks for it; see `DataPlane.vouch`. */
  | { readonly kind: 'parent'; readonly vouch: (csr: Uint8Array) => Promise<Uint8Array> };

const CHALLENGE: MethodPath = '/rampart.v1.IdentityService/Challenge';
const ATTEST: MethodPath = '/rampart.v1.IdentityService/Attest';
const TIMEOUT_MS = 15_000;

/** What evidence is shown for. */
interface Showing {
  readonly csr: Uint8Array;
  /** Asks to be an agent instead of a workload. */
  readonly agent: boolean;
  /** Unix milliseconds. */
  readonly now: number;
}

/** Shows evidence for a certificate signing request; resolves with an encoded `SvidResponse`. */
export async function showEvidence(
  channel: Channel,
  evidence: WorkloadEvidence,
  { csr, agent, now }: Showing,
): Promise<Uint8Array> {
  if (evidence.kind === 'parent') return evidence.vouch(csr);
  const shown = await evidenceFor(channel, evidence, { csr, now });
  return channel.unary(ATTEST, AttestRequest.encode({ evidence: shown, csr, agent }).finish(), TIMEOUT_MS);
}

async function evidenceFor(
  channel: Channel,
  evidence: Exclude<WorkloadEvidence, { kind: 'parent' }>,
  { csr, now }: Pick<Showing, 'csr' | 'now'>,
): Promise<AttestRequest['evidence']> {
  switch (evidence.kind) {
    case 'join-token':
      return { $case: 'joinToken', value: evidence.token };
    case 'jwt':
      return { $case: 'jwt', value: { token: evidence.read() } };
    case 'x509pop': {
      const { chain, key } = evidence.read();
      const { nonce, trustDomain } = await challenge(channel);
      const signature = provePossession(key, { label: 'rampart x509pop v1', trustDomain, nonce, csr });
      return { $case: 'x509pop', value: { chain: [...chain], nonce, signature } };
    }
    case 'aws-iam': {
      const { endpoint, region } = evidence;
      const credentials = await evidence.read();
      const { nonce, trustDomain } = await challenge(channel);
      const serverId = bindingText({ label: 'rampart aws-iam v1', trustDomain, nonce, csr });
      const signed = signCallerIdentity(credentials, { endpoint, region, at: now, serverId });
      return { $case: 'awsIam', value: { ...signed, nonce } };
    }
  }
}

async function challenge(channel: Channel): Promise<ChallengeResponse> {
  return ChallengeResponse.decode(await channel.unary(CHALLENGE, ChallengeRequest.encode({}).finish(), TIMEOUT_MS));
}
