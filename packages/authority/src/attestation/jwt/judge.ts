import { hash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import { fail, ok, selectorTextProblem } from '@rampart/core';
import type { Attestor, Clock, JwtAttestor, Result } from '@rampart/core';
import type { AskOutside } from '../../outside/ask.ts';
import { segmentOf } from '../../agents/agent-id.ts';
import { disbelieve } from '../evidence.ts';
import type { AttestationContext, Attested, EvidenceProblem, JwtEvidence } from '../evidence.ts';
import { textOf, valuesOf } from './claims.ts';
import { IssuerKeys } from './issuer-keys.ts';
import type { KeyLookup } from './issuer-keys.ts';
import { profiledClaims } from './profiles.ts';

export interface JwtJudgeOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly ask: AskOutside;
  attestors(): readonly Attestor[];
}

const MAX_TOKEN = 16 * 1024;
/** Signatures of a private key only: with a shared secret, whoever verifies could sign. */
const ALGORITHMS: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
/** Clocks of issuers may be this far from ours. */
const SKEW_SECONDS = 30;
const MAX_AGE_MS = 24 * 3600 * 1000;

/** Believes tokens of the issuers that attestors name. */
export class JwtJudge {
  readonly #options: JwtJudgeOptions;
  readonly #keys = new WeakMap<JwtAttestor, IssuerKeys>();

  constructor(options: JwtJudgeOptions) {
    this.#options = options;
  }

  async judge({ token }: JwtEvidence, { now }: AttestationContext): Promise<Result<Attested, EvidenceProblem>> {
    const issuer = issuerOf(token);
    if (!issuer.ok) return issuer;
    let refusal: Result<never, EvidenceProblem> = disbelieve(
      'jwt-issuer',
      'no attestor here takes tokens of this issuer',
    );
    for (const attestor of this.#options.attestors()) {
      const { jwt } = attestor.spec;
      if (jwt?.issuer !== issuer.value) continue;
      const claims = await this.#verified(token, jwt, now);
      const attested = claims.ok ? attestedBy(attestor, jwt, { claims: claims.value, token }) : claims;
      if (attested.ok) return attested;
      refusal = attested;
    }
    return refusal;
  }

  async #verified(token: string, spec: JwtAttestor, now: number): Promise<Result<JWTPayload, EvidenceProblem>> {
    const keys = this.#keysOf(spec);
    try {
      return await this.#verify(token, spec, { now, keys: await keys.current() });
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) return fail(problemOf(error));
    }
    try {
      const newer = await keys.newer();
      if (newer !== undefined) return await this.#verify(token, spec, { now, keys: newer });
      return disbelieve('jwt-key', 'the issuer has no key that the token could be signed with');
    } catch (error) {
      return fail(problemOf(error));
    }
  }

  async #verify(
    token: string,
    { issuer, audiences, maxAgeMs = MAX_AGE_MS }: JwtAttestor,
    { now, keys }: { readonly now: number; readonly keys: KeyLookup },
  ): Promise<Result<JWTPayload, EvidenceProblem>> {
    const { payload } = await verifyWith(keys, (key) =>
      jwtVerify(token, key, {
        issuer,
        audience: [...audiences],
        algorithms: [...ALGORITHMS],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: SKEW_SECONDS,
        currentDate: new Date(now),
      }),
    );
    const issuedAt = (payload.iat ?? payload.nbf ?? now / 1000) * 1000;
    if (issuedAt > now + SKEW_SECONDS * 1000)
      return disbelieve('jwt-not-yet-valid', 'the token was issued in the future');
    if (now - issuedAt > maxAgeMs + SKEW_SECONDS * 1000)
      return disbelieve('jwt-too-old', 'the token was issued too long ago');
    return ok(payload);
  }

  #keysOf(spec: JwtAttestor): IssuerKeys {
    const known = this.#keys.get(spec) ?? new IssuerKeys(spec, this.#options.ask, this.#options.clock);
    this.#keys.set(spec, known);
    return known;
  }
}

type Verify = (
  key: KeyLookup | Exclude<Parameters<typeof jwtVerify>[1], () => unknown>,
) => ReturnType<typeof jwtVerify>;

/** Of several keys that a token without key id may be signed with, each is tried. */
async function verifyWith(keys: KeyLookup, verify: Verify): ReturnType<typeof jwtVerify> {
  try {
    return await verify(keys);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await verify(key);
      } catch (cause) {
        if (!(cause instanceof errors.JWSSignatureVerificationFailed)) throw cause;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** What an unverified token claims to be from: only to choose whose keys it is held against. */
function issuerOf(token: string): Result<string, EvidenceProblem> {
  if (token.length > MAX_TOKEN) return disbelieve('jwt-malformed', `the token has more than ${MAX_TOKEN} characters`);
  try {
    const { alg } = decodeProtectedHeader(token);
    if (alg === undefined || !ALGORITHMS.includes(alg)) {
      return disbelieve('jwt-algorithm', 'the token is not signed with an algorithm of a private key');
    }
    const { iss } = decodeJwt(token);
    if (iss !== undefined) return ok(iss);
  } catch {
    return disbelieve('jwt-malformed', 'the token is no JWT in compact form');
  }
  return disbelieve('jwt-issuer', 'the token names no issuer');
}

function attestedBy(
  attestor: Attestor,
  spec: JwtAttestor,
  { claims, token }: { readonly claims: JWTPayload; readonly token: string },
): Result<Attested, EvidenceProblem> {
  const { name } = attestor.metadata;
  const subject = textOf(claims, 'sub');
  if (subject === undefined) return disbelieve('jwt-claims', 'its claim "sub" is no text');
  const profiled = profiledClaims(spec.profile, claims, name);
  if (!profiled.ok) return profiled;
  const selectors = [
    `jwt:attestor:${name}`,
    `jwt:iss:${spec.issuer}`,
    `jwt:sub:${subject}`,
    ...profiled.value.selectors,
    ...(spec.claimSelectors ?? []).flatMap((claim) => valuesOf(claims, claim).map((value) => `jwt:${claim}:${value}`)),
  ];
  const until = (claims.exp ?? 0) * 1000 + SKEW_SECONDS * 1000;
  return ok({
    attestor,
    selectors: [...new Set(selectors.filter((selector) => selectorTextProblem(selector) === undefined))],
    agentPath: `jwt/${name}/${segmentOf(profiled.value.holder)}`,
    ...(spec.allowReuse === true ? {} : { once: { hash: signedPartHash(token), until, rule: 'jwt-replayed' } }),
  });
}

/** An ECDSA signature has a second form that anybody can compute, so that the token is known by what was signed. */
function signedPartHash(token: string): string {
  return hash('sha256', token.slice(0, token.lastIndexOf('.')), 'hex');
}

const CLAIM_RULES: Readonly<Record<string, string>> = {
  aud: 'jwt-audience',
  iss: 'jwt-issuer',
  nbf: 'jwt-not-yet-valid',
};

function problemOf(error: unknown): EvidenceProblem {
  if (error instanceof errors.JWTExpired) return { rule: 'jwt-expired', message: 'the token has expired' };
  if (error instanceof errors.JWTClaimValidationFailed) {
    return {
      rule: CLAIM_RULES[error.claim] ?? 'jwt-claims',
      message: `its claim ${JSON.stringify(error.claim)} is not what it must be`,
    };
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return { rule: 'jwt-signature', message: 'the signature of the token is not of a key of its issuer' };
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return { rule: 'jwt-key', message: 'the issuer has no key that the token could be signed with' };
  }
  if (error instanceof errors.JOSEError) return { rule: 'jwt-malformed', message: 'the token cannot be verified' };
  return { rule: 'jwt-keys-unavailable', message: `the keys of the issuer could not be had: ${messageOf(error)}` };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
