import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { RampartError, SpiffeId, TrustDomain } from '@rampart/core';
import type { WorkloadRef } from '@rampart/core';
import { createCsr, generateKeyPair, parseCertificate } from '@rampart/spiffe';
import type { KeyPair } from '@rampart/spiffe';
import { IdentityService } from '@rampart/wire';
import type { SvidResponse } from '@rampart/wire';

import type { SvidIssuer } from '../identity/svid-source.ts';
import { createSvid } from '../identity/svid.ts';
import type { Svid } from '../identity/svid.ts';
import { openTransport } from './transport.ts';
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

/** Attests with a join token and renews over mutual TLS. Each certificate gets a key of its own, made here. */
export function createIssuer(options: AttestationOptions): SvidIssuer {
  return {
    attest: () => exchange(options, undefined, (client, csr) => client.attest({ joinToken: options.joinToken, csr })),
    renew: (current) => exchange(options, current, (client, csr) => client.renew({ csr })),
  };
}

type IdentityClient = ReturnType<typeof createClient<typeof IdentityService>>;

async function exchange(
  options: AttestationOptions,
  current: Svid | undefined,
  call: (client: IdentityClient, csr: Uint8Array) => Promise<SvidResponse>,
): Promise<Svid> {
  const keyPair = generateKeyPair();
  const way = openTransport(options.address, current);
  try {
    const response = await call(createClient(IdentityService, way.transport), createCsr(keyPair));
    return accept(response, keyPair, options);
  } catch (cause) {
    throw refusal(cause);
  } finally {
    way.close();
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
    bundle: { trustDomain, roots: bundle.roots, sequence: Number(bundle.sequence) },
  });
}

function refusal(cause: unknown): unknown {
  if (!(cause instanceof ConnectError)) return cause;
  if (cause.code === Code.Unauthenticated) {
    return new RampartError('INVALID_JOIN_TOKEN', cause.rawMessage, { cause });
  }
  if (cause.code === Code.PermissionDenied) {
    return new RampartError('CERTIFICATE_REVOKED', cause.rawMessage, { cause });
  }
  return cause;
}
