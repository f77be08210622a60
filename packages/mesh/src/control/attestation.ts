import { RampartError, SpiffeId, TrustDomain } from '@rampart/core';
import type { WorkloadRef } from '@rampart/core';
import { createCsr, generateKeyPair, parseCertificate } from '@rampart/spiffe';
import type { KeyPair } from '@rampart/spiffe';
import { AttestRequest, RenewRequest, SvidResponse } from '@rampart/wire/control';

import type { SvidIssuer } from '../identity/svid-source.ts';
import { createSvid } from '../identity/svid.ts';
import type { Svid } from '../identity/svid.ts';
import type { Channel, MethodPath } from './connect/channel.ts';
import { RemoteError } from './connect/remote-error.ts';
import { openChannel } from './transport.ts';
import type { ControlPlaneAddress } from './transport.ts';

/** The workload as its identity describes it. */
export interface AttestedWorkload extends WorkloadRef {
  /** Service this workload is an instance of; "" for a pure client. */
  readonly service: string;
}

export interface AttestationOptions {
  readonly address: ControlPlaneAddress;
  readonly joinToken: string;
  readonly onWorkload: (workload: AttestedWorkload, trustDomain: TrustDomain) => void;
}

const ATTEST: MethodPath = '/rampart.v1.IdentityService/Attest';
const RENEW: MethodPath = '/rampart.v1.IdentityService/Renew';
const TIMEOUT_MS = 15_000;

/** Attests with a join token and renews over mutual TLS. Each certificate gets a key of its own, made here. */
export function createIssuer(options: AttestationOptions): SvidIssuer {
  const { joinToken } = options;
  return {
    attest: () =>
      exchange(options, undefined, (channel, csr) =>
        channel.unary(
          ATTEST,
          AttestRequest.encode({ evidence: { $case: 'joinToken', value: joinToken }, csr, agent: false }).finish(),
          TIMEOUT_MS,
        ),
      ),
    renew: (current) =>
      exchange(options, current, (channel, csr) =>
        channel.unary(RENEW, RenewRequest.encode({ csr }).finish(), TIMEOUT_MS),
      ),
  };
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
    throw refusal(cause);
  } finally {
    channel.close();
  }
}

function accept(response: SvidResponse, keyPair: KeyPair, options: AttestationOptions): Svid {
  const { bundle, workload } = response;
  const leaf = response.chain[0];
  const parsed = leaf === undefined ? undefined : parseCertificate(leaf);
  if (bundle === undefined || workload === undefined || parsed?.ok !== true) {
    throw new RampartError(
      'INVALID_CERTIFICATE',
      'the control plane answered without a certificate; check its version',
    );
  }
  const trustDomain = TrustDomain.of(bundle.trustDomain);
  const { namespace, serviceAccount, service, labels } = workload;
  options.onWorkload({ namespace, serviceAccount, service, labels }, trustDomain);
  return createSvid({
    spiffeId: SpiffeId.of(response.spiffeId),
    serial: parsed.value.serial,
    notBefore: parsed.value.notBefore,
    notAfter: parsed.value.notAfter,
    chain: response.chain,
    keyPair,
    bundle: { trustDomain, roots: bundle.roots, jwtAuthorities: [], sequence: Number(bundle.sequence) },
  });
}

function refusal(cause: unknown): unknown {
  if (!(cause instanceof RemoteError)) return cause;
  if (cause.code === 'unauthenticated') return new RampartError('INVALID_JOIN_TOKEN', cause.message, { cause });
  if (cause.code === 'permission_denied') return new RampartError('CERTIFICATE_REVOKED', cause.message, { cause });
  return cause;
}
