import { create } from '@bufbuild/protobuf';
import type { JsonObject, MessageShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { SpiffeId } from '@rampart/core';
import { jwksOf, verifyJwtSvid } from '@rampart/spiffe';
import type { TrustBundle } from '@rampart/spiffe';
import {
  JWTBundlesResponseSchema,
  JWTSVIDResponseSchema,
  ValidateJWTSVIDResponseSchema,
} from '@rampart/wire/workload-api';

import type { HostEntry } from '../entries/host-entry.ts';
import type { HostView } from '../entries/host-view.ts';
import { uniqueHints } from '../identities/identities.ts';
import type { Identities } from '../identities/identities.ts';

const MOST_AUDIENCES = 32;
const LONGEST_AUDIENCE = 2_048;

/** Audiences as a token names them: each once. @throws ConnectError InvalidArgument */
export function checkedAudiences(audiences: readonly string[]): readonly string[] {
  if (audiences.length === 0 || audiences.some((audience) => audience === '')) {
    throw new ConnectError('the audience is missing: say whom the token is meant for', Code.InvalidArgument);
  }
  if (audiences.length > MOST_AUDIENCES || audiences.some(({ length }) => length > LONGEST_AUDIENCE)) {
    const limits = `at most ${MOST_AUDIENCES} audiences of at most ${LONGEST_AUDIENCE} characters each`;
    throw new ConnectError(`a token is for ${limits}`, Code.InvalidArgument);
  }
  return [...new Set(audiences)];
}

/** Of the caller's entries those of the identity that it asks for. @throws ConnectError InvalidArgument, PermissionDenied */
export function entriesAskedFor(entries: readonly HostEntry[], spiffeId: string): readonly HostEntry[] {
  if (spiffeId === '') return entries;
  const asked = SpiffeId.parse(spiffeId);
  if (!asked.ok) throw new ConnectError(`spiffe_id is no SPIFFE ID: ${asked.problem}`, Code.InvalidArgument);
  const found = entries.filter((entry) => entry.spiffeId.equals(asked.value));
  if (found.length > 0) return found;
  throw new ConnectError('no identity: the one that is asked for is not of this process', Code.PermissionDenied);
}

/** Tokens of all of these entries, or of those for which one can be had. @throws ConnectError Unavailable, PermissionDenied */
export async function jwtResponse(
  entries: readonly HostEntry[],
  audiences: readonly string[],
  { jwt }: Identities,
): Promise<MessageShape<typeof JWTSVIDResponseSchema>> {
  const hints = uniqueHints(entries);
  const outcomes = await Promise.all(entries.map((entry) => jwt.get(entry, audiences)));
  const svids = outcomes.flatMap((outcome, index) => {
    const entry = entries[index];
    if (!outcome.ok || entry === undefined) return [];
    return [{ spiffeId: entry.spiffeId.toString(), svid: outcome.value.token, hint: hints[index] ?? '' }];
  });
  if (svids.length > 0) return create(JWTSVIDResponseSchema, { svids });
  const isRefused = outcomes.every((outcome) => !outcome.ok && outcome.problem.kind === 'refused');
  throw isRefused
    ? new ConnectError('no identity: the control plane refuses this host a JWT-SVID for it', Code.PermissionDenied)
    : new ConnectError('no JWT-SVID can be had from the control plane now; try again later', Code.Unavailable);
}

/** By the SPIFFE ID of the trust domain: a JWK Set with the keys of JWT-SVIDs and no others. */
export function jwtBundlesResponse(bundles: readonly TrustBundle[]): MessageShape<typeof JWTBundlesResponseSchema> {
  const documents = bundles.map((bundle): [string, Uint8Array] => [
    `spiffe://${bundle.trustDomain.name}`,
    Buffer.from(JSON.stringify(jwksOf(bundle))),
  ]);
  return create(JWTBundlesResponseSchema, { bundles: Object.fromEntries(documents) });
}

export interface TokenQuestion {
  readonly token: string;
  readonly audience: string;
  readonly bundles: readonly TrustBundle[];
  readonly view: HostView;
  /** Unix milliseconds. */
  readonly now: number;
}

/** @throws ConnectError InvalidArgument for a token that is not good for the audience, with the reason. */
export async function validateToken(
  question: TokenQuestion,
): Promise<MessageShape<typeof ValidateJWTSVIDResponseSchema>> {
  const { token, audience, bundles, view, now } = question;
  const verified = await verifyJwtSvid(token, {
    bundles: (trustDomain) => bundles.find((bundle) => bundle.trustDomain.equals(trustDomain))?.jwtAuthorities,
    audience,
    now,
  });
  if (!verified.ok) throw new ConnectError(verified.problem.message, Code.InvalidArgument);
  const { spiffeId, claims, issuedAt = 0 } = verified.value;
  if (view.isTokenRevoked({ spiffeId, issuedAt })) throw new ConnectError('the token is revoked', Code.InvalidArgument);
  // Claims are JSON: they were read from it.
  return create(ValidateJWTSVIDResponseSchema, { spiffeId: spiffeId.toString(), claims: claims as JsonObject });
}
