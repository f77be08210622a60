import { createSecureContext } from 'node:tls';

import { SpiffeId, TrustDomain } from '@rampart/core';

import { readForeignBundles } from '../identity/foreign-trust.ts';
import type { Svid, TlsMaterial } from '../identity/svid.ts';
import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';
import type { MeshUpdate } from '../view/mesh-view.ts';

/** An identity as threads of one process pass it on: plain values that can be cloned. Holds the key; not for other processes. */
export interface PortableSvid {
  readonly spiffeId: string;
  readonly serial: string;
  /** Unix milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isUrgent: boolean;
  readonly trustDomain: string;
  /** DER. */
  readonly roots: readonly Uint8Array[];
  readonly sequence: number;
  readonly tls: TlsMaterial;
}

export function portableSvid(svid: Svid): PortableSvid {
  const { spiffeId, serial, notBefore, notAfter, isUrgent = false, bundle, tls } = svid;
  const { trustDomain, roots, sequence } = bundle;
  return {
    spiffeId: spiffeId.toString(),
    serial,
    notBefore,
    notAfter,
    isUrgent,
    trustDomain: trustDomain.name,
    roots,
    sequence,
    tls,
  };
}

export function readSvid({ spiffeId, isUrgent, trustDomain, roots, sequence, ...same }: PortableSvid): Svid {
  return {
    ...same,
    spiffeId: SpiffeId.of(spiffeId),
    renewAt: undefined,
    ...(isUrgent ? { isUrgent } : {}),
    bundle: { trustDomain: TrustDomain.of(trustDomain), roots, jwtAuthorities: [], sequence },
    context: createSecureContext(same.tls),
  };
}

interface PortableService extends Omit<MeshService, 'endpoints'> {
  readonly endpoints: readonly Omit<MeshEndpoint, 'spiffeId'>[];
}

/** An update of the view in plain values that can be cloned. */
export interface PortableUpdate extends Omit<MeshUpdate, 'services' | 'foreignBundles'> {
  readonly services: readonly PortableService[];
  readonly foreignBundles?: readonly { readonly trustDomain: string; readonly roots: readonly Uint8Array[] }[];
}

export function portableUpdate({ services, foreignBundles, ...same }: MeshUpdate): PortableUpdate {
  return {
    ...same,
    services: services.map((service) => ({
      ...service,
      endpoints: service.endpoints.map(({ spiffeId: _spiffeId, ...endpoint }) => endpoint),
    })),
    ...(foreignBundles === undefined
      ? {}
      : { foreignBundles: foreignBundles.map(({ trustDomain, roots }) => ({ trustDomain: trustDomain.name, roots })) }),
  };
}

export function readUpdate({ services, foreignBundles, ...same }: PortableUpdate): MeshUpdate {
  return {
    ...same,
    services: services.map((service) => ({
      ...service,
      endpoints: service.endpoints.map((endpoint) => ({ ...endpoint, spiffeId: SpiffeId.of(endpoint.identity) })),
    })),
    ...(foreignBundles === undefined ? {} : { foreignBundles: readForeignBundles(foreignBundles) }),
  };
}
