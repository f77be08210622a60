import { RampartError, SpiffeId, TrustDomain } from '@rampart/core';
import type { Clock, WorkloadRef } from '@rampart/core';
import { createCsr, generateKeyPair, parseCertificate } from '@rampart/spiffe';
import type { KeyPair, TrustBundle } from '@rampart/spiffe';
import { RenewRequest, SvidResponse } from '@rampart/wire/control';

import type { SvidIssuer } from '../identity/svid-source.ts';
import { createSvid } from '../identity/svid.ts';
import type { Svid } from '../identity/svid.ts';
import type { Channel, MethodPath } from './connect/channel.ts';
import { RemoteError } from './connect/remote-error.ts';
import { showEvidence } from './evidence.ts';
import type { WorkloadEvidence } from './evidence.ts';
import { openChannel } from './transport.ts';
import type { ControlPlaneAddress } from './transport.ts';

/** The workload as its identity describes it. */
export interface AttestedWorkload extends WorkloadRef {
  /** Service this workload is an instance of; "" for a pure client. */
  readonly service: string;
}

export interface AttestationOptions {
  readonly address: ControlPlaneAddress;
  readonly evidence: WorkloadEvidence;
  readonly clock: Pick<Clock, 'now'>;
  /** Called with each certificate of a workload. Absent for an agent, whose identity is no workload's. */
  readonly onWorkload?: (workload: AttestedWorkload, bundle: TrustBundle) => void;
}

const RENEW: MethodPath = '/rampart.v1.IdentityService/Renew';
const TIMEOUT_MS = 15_000;

/** Attests and renews over mutual TLS. Each certificate gets a key of its own, made here. */
export function createIssuer(options: AttestationOptions): SvidIssuer {
  const { evidence, clock } = options;
  const agent = options.onWorkload === undefined;
  const attest = (): Promise<Svid> =>
    exchange(options, undefined, (channel, csr) => showEvidence(channel, evidence, { csr, agent, now: clock.now() }));
  return {
    attest,
    renew: (current) => {
      // After a long absence of the control plane nothing is left to renew with; evidence other than a token still stands.
      if (evidence.kind !== 'join-token' && clock.now() >= current.notAfter) return attest();
      const renewed = exchange(options, current, (channel, csr) =>
        channel.unary(RENEW, RenewRequest.encode({ csr }).finish(), TIMEOUT_MS),
      );
      // What vouched for it has changed: what is true of it now is asked for with its evidence.
      return renewed.catch((cause: unknown) => {
        if (cause instanceof RampartError && cause.code === 'ATTESTATION_DENIED') return attest();
        throw cause;
      });
    },
  };
}

/** Asks for a certificate of one's own identity on a key that another process of the same workload holds; an encoded `SvidResponse`. */
export async function vouchFor(
  csr: Uint8Array,
  address: ControlPlaneAddress,
  own: Svid | undefined,
): Promise<Uint8Array> {
  if (own === undefined) throw new RampartError('IDENTITY_NOT_READY', 'this workload has no identity yet');
  const channel = openChannel(address, own);
  try {
    return await channel.unary(RENEW, RenewRequest.encode({ csr }).finish(), TIMEOUT_MS);
  } finally {
    channel.close();
  }
}

async function exchange(
  options: AttestationOptions,
  current: Svid | undefined,
  call: (channel: Channel, csr: Uint8Array) => Promise<Uint8Array>,
): Promise<Svid> {
  const keyPair = generateKeyPair();
  const channel = openChannel(options.address, current);
  try {
    return accept(SvidResponse.decode(await call(channel, createCsr(keyPair))), keyPair, options);
  } catch (cause) {
    throw refusal(cause, current === undefined ? options.evidence : undefined);
  } finally {
    channel.close();
  }
}

function accept(response: SvidResponse, keyPair: KeyPair, { onWorkload }: AttestationOptions): Svid {
  const { bundle, workload } = response;
  const leaf = response.chain[0];
  const parsed = leaf === undefined ? undefined : parseCertificate(leaf);
  const isIncomplete = workload === undefined && onWorkload !== undefined;
  if (bundle === undefined || isIncomplete || parsed?.ok !== true) {
    throw new RampartError(
      'INVALID_CERTIFICATE',
      'the control plane answered without a certificate; check its version',
    );
  }
  const trusted: TrustBundle = {
    trustDomain: TrustDomain.of(bundle.trustDomain),
    roots: bundle.roots,
    jwtAuthorities: [],
    sequence: Number(bundle.sequence),
  };
  if (workload !== undefined) {
    const { namespace, serviceAccount, service, labels } = workload;
    onWorkload?.({ namespace, serviceAccount, service, labels }, trusted);
  }
  return createSvid({
    spiffeId: SpiffeId.of(response.spiffeId),
    serial: parsed.value.serial,
    notBefore: parsed.value.notBefore,
    notAfter: parsed.value.notAfter,
    renewAt: response.renewAt === 0n ? undefined : Number(response.renewAt),
    chain: response.chain,
    keyPair,
    bundle: trusted,
  });
}

/**
 * A join token is refused for good; what is wrong with other evidence, or with what it is held against, may be mended. Who holds
 * a certificate that is not accepted (no evidence) may hold one that is once the clock is right again.
 */
function refusal(cause: unknown, evidence: WorkloadEvidence | undefined): unknown {
  if (!(cause instanceof RemoteError)) return cause;
  if (cause.code === 'unauthenticated' && evidence !== undefined) {
    const code = evidence.kind === 'join-token' ? 'INVALID_JOIN_TOKEN' : 'ATTESTATION_DENIED';
    return new RampartError(code, cause.message, { cause });
  }
  if (cause.code === 'permission_denied') return new RampartError('CERTIFICATE_REVOKED', cause.message, { cause });
  return cause;
}
