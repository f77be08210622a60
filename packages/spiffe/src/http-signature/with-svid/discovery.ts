import type { KeyObject } from 'node:crypto';

import { ok } from '@rampart/core';
import type { Result, SpiffeId, TrustDomain } from '@rampart/core';

import { toPublicKey } from '../../signature.ts';
import type { ParsedCertificate } from '../../certificate/parsed-certificate.ts';
import { verifySvid } from '../../svid/verify.ts';
import type { Component } from '../component.ts';
import { contentDigest, isContentOf } from '../content-digest.ts';
import type { HttpResponse } from '../message.ts';
import { refuse } from '../problem.ts';
import type { HttpSignatureProblem } from '../problem.ts';
import { signMessage } from '../sign.ts';
import { readSigningChain, SIGNING_CHAIN_FIELD, writeSigningChain } from './signing-chain.ts';
import { readDictionary } from '../structured-fields.ts';
import { verifyMessage } from '../verify.ts';

/**
 * Discovery responses signed by the registry, so that whoever stands between it and its client (a proxy that ends TLS, a cache)
 * cannot change one, exchange it for the answer to another question, or keep it for later.
 */

/** Says what the signature is for; a client asks for it in Accept-Signature (RFC 9421 §5.1). */
export const DISCOVERY_TAG = 'rampart-discovery';

const LABEL = 'registry';
/** How long an answer may be believed. */
const FRESH_MS = 30_000;
const CLOCK_SKEW_MS = 60_000;
const LONGEST_REQUEST = 2048;

const COVERED: readonly Component[] = [
  covered('@status'),
  covered('content-digest'),
  covered('@method', true),
  covered('@path', true),
  covered('@query', true),
  covered('content-digest', true),
];
/** What changes the meaning of the content, where the response has it. */
const OPTIONAL: readonly Component[] = [covered('content-type'), covered('content-encoding')];

function covered(name: string, ofRequest = false): Component {
  return { name, parameters: ofRequest ? new Map([['req', true]]) : new Map() };
}

function componentsOf({ fields }: HttpResponse): readonly Component[] {
  return [...COVERED, ...OPTIONAL.filter(({ name }) => fields(name).length > 0)];
}

/** The registry's own X.509-SVID. */
export interface DiscoverySigner {
  readonly spiffeId: SpiffeId;
  /** Leaf first, without the root; DER. */
  readonly chain: readonly Uint8Array[];
  /** EC P-256. */
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The value of Accept-Signature with which a client asks for a signed answer to this request alone. */
export function askForSignature(nonce: string): string {
  return `${LABEL}=();nonce="${nonce}";tag="${DISCOVERY_TAG}"`;
}

/** Whether an Accept-Signature asks for it, and with which nonce. */
export function signatureAskedFor(
  acceptSignature: readonly string[],
): { readonly nonce: string | undefined } | undefined {
  const text = acceptSignature.join(', ');
  if (text === '' || text.length > LONGEST_REQUEST) return undefined;
  const members = readDictionary(text);
  for (const [, parameters] of members?.values() ?? []) {
    if (parameters.get('tag') !== DISCOVERY_TAG) continue;
    const nonce = parameters.get('nonce');
    return { nonce: typeof nonce === 'string' ? nonce : undefined };
  }
  return undefined;
}

/** What is to be added to the response. */
export function signDiscovery(
  response: HttpResponse,
  content: Uint8Array,
  {
    signer,
    nonce,
    now,
  }: { readonly signer: DiscoverySigner; readonly nonce: string | undefined; readonly now: number },
): Readonly<Record<string, string>> {
  const digest = contentDigest(content);
  const message: HttpResponse = {
    ...response,
    fields: (name) => (name === 'content-digest' ? [digest] : response.fields(name)),
  };
  const order = {
    label: LABEL,
    components: componentsOf(message),
    created: now,
    expires: now + FRESH_MS,
    tag: DISCOVERY_TAG,
  };
  const { signatureInput, signature } = signMessage(message, nonce === undefined ? order : { ...order, nonce }, {
    keyId: signer.spiffeId.toString(),
    algorithm: 'ecdsa-p256-sha256',
    privateKey: signer.privateKey,
    publicKey: signer.publicKey,
  });
  return {
    'content-digest': digest,
    'signature-input': signatureInput,
    signature,
    [SIGNING_CHAIN_FIELD]: writeSigningChain(signer.chain),
  };
}

/** Whom a client believes. */
export interface DiscoveryTrust {
  readonly trustDomain: TrustDomain;
  /** Roots of the trust domain, DER. */
  readonly roots: readonly Uint8Array[];
  /** Any workload has a certificate of the same roots: only the registry's own identity may answer for it. */
  readonly isRegistry: (spiffeId: SpiffeId) => boolean;
  /** Why the signing certificate is revoked, as far as is known. */
  readonly revocationOf?: (leaf: ParsedCertificate, spiffeId: SpiffeId) => string | undefined;
  readonly nonce: string;
  /** Unix milliseconds. */
  readonly now: number;
}

/** Judges a response to a request that asked for a signature. `content` is as it came, before any decoding. */
export function verifyDiscovery(
  response: HttpResponse,
  content: Uint8Array,
  trust: DiscoveryTrust,
): Result<{ readonly signedBy: SpiffeId; readonly at: number }, HttpSignatureProblem> {
  const chain = readSigningChain(response.fields(SIGNING_CHAIN_FIELD).join(', '));
  if (chain === undefined) return refuse('UNSIGNED', 'the answer comes without the certificate of a registry');
  const { trustDomain, roots, now } = trust;
  const verified = verifySvid(chain, { trustDomain, roots, at: now });
  if (!verified.ok)
    return refuse('UNKNOWN_KEY', `the certificate of the signature is refused: ${verified.problem.message}`);
  const { spiffeId, leaf } = verified.value;
  if (!trust.isRegistry(spiffeId)) return refuse('UNKNOWN_KEY', `${spiffeId.toString()} signed, which is no registry`);
  const revocation = trust.revocationOf?.(leaf, spiffeId);
  if (revocation !== undefined)
    return refuse('UNKNOWN_KEY', `the certificate of the signature is revoked: ${revocation}`);
  const key = toPublicKey(leaf.publicKey);
  const signature = verifyMessage(response, {
    tag: DISCOVERY_TAG,
    components: componentsOf(response),
    keyOf: (keyId) =>
      key !== undefined && keyId === spiffeId.toString() ? { key, algorithm: 'ecdsa-p256-sha256' } : undefined,
    now,
    maxAgeMs: FRESH_MS,
    clockSkewMs: CLOCK_SKEW_MS,
    nonce: trust.nonce,
  });
  if (!signature.ok) return signature;
  if (!isContentOf(response.fields, content)) return refuse('BAD_DIGEST', 'the content is not the one that was signed');
  return ok({ signedBy: spiffeId, at: signature.value.created });
}
