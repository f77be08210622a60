import type { ServiceImpl } from '@connectrpc/connect';
import type { NeighbourStatus } from '@rampart/authority';
import { RampartError, TrustDomain } from '@rampart/core';
import { bundleToJson, type TrustBundle } from '@rampart/spiffe';
import type { TrustService } from '@rampart/wire';
import { operatorOf } from '../admin/admin-parts.ts';
import { createJwtMethods, type TrustParts } from './jwt-methods.ts';

/** JWT-SVIDs, trust bundles and federation, for operators. */
export function createTrustService(parts: TrustParts): ServiceImpl<typeof TrustService> {
  const { trust, federation } = parts;
  return {
    ...createJwtMethods(parts),
    getTrustBundle: ({ trustDomain }, context) => {
      operatorOf(context);
      const bundle = bundleOf(trustDomain, parts);
      return {
        trustDomain: bundle.trustDomain.name,
        document: bundleToJson(bundle),
        roots: [...bundle.roots],
      };
    },
    listTrustDomains: (_, context) => {
      operatorOf(context);
      return { trustDomains: [ownStatus(trust.bundle()), ...federation.status().map(statusMessage)] };
    },
  };
}

function bundleOf(name: string, { trust, federation }: TrustParts): TrustBundle {
  const own = trust.bundle();
  if (name === '' || name === own.trustDomain.name) return own;
  const bundle = federation.bundle(TrustDomain.of(name));
  if (bundle !== undefined) return bundle;
  throw new RampartError(
    'NOT_FOUND',
    `there is no bundle of trust domain ${name}: see what rampart federation list says`,
  );
}

type Status = Record<string, unknown> & { readonly trustDomain: string };

function ownStatus(bundle: TrustBundle): Status {
  return { ...contents(bundle), trustDomain: bundle.trustDomain.name, profile: 'own' };
}

function statusMessage({ relationship, bundle, fetchedAt, nextPollAt, problem }: NeighbourStatus): Status {
  return {
    ...contents(bundle),
    trustDomain: relationship.trustDomain.name,
    profile: relationship.profile.type,
    bundleEndpointUrl: relationship.url,
    fetchedAt: BigInt(fetchedAt),
    nextPollAt: BigInt(nextPollAt),
    problem,
  };
}

function contents(bundle: TrustBundle | undefined): object {
  if (bundle === undefined) return {};
  const { sequence, roots, jwtAuthorities } = bundle;
  return { sequence: BigInt(sequence), roots: roots.length, jwtKeys: jwtAuthorities.length };
}
