import type { KeyObject } from 'node:crypto';

import { ok } from '@rampart/core';
import type { Result, SpiffeId } from '@rampart/core';

import { toPublicKey } from '../../signature.ts';
import { parseCertificate } from '../../certificate/parsed-certificate.ts';
import { algorithmOf } from '../algorithms.ts';
import { contentDigest, isContentOf } from '../content-digest.ts';
import type { Component } from '../component.ts';
import type { HttpRequest } from '../message.ts';
import { refuse } from '../problem.ts';
import type { HttpSignatureProblem } from '../problem.ts';
import { signMessage } from '../sign.ts';
import { readSigningChain, SIGNING_CHAIN_FIELD, writeSigningChain } from './signing-chain.ts';
import { verifyMessage } from '../verify.ts';
import type { HttpVerificationKey } from '../verify.ts';

/**
 * Requests that their caller has signed with the key of its X.509-SVID, so that whoever ends TLS on the way to the service
 * cannot change one, send it again, or send one of its own in the caller's name.
 */

/** Says what the signature is for. */
export const REQUEST_TAG = 'rampart-request';

const LABEL = 'caller';
const DIGEST = 'content-digest';
const LEAST_NONCE = 8;
const MOST_NONCE = 128;
/** Covered whatever is asked for. */
const ALWAYS = ['@method', '@path', '@query'] as const;

/** Whose request it is. */
export interface RequestSigner {
  readonly spiffeId: SpiffeId;
  /** Leaf first, without the root; DER. */
  readonly chain: readonly Uint8Array[];
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface RequestSigning {
  readonly signer: RequestSigner;
  /** Derived components, and header fields where the request has them: besides method, path, query and content, which always are. */
  readonly components: readonly string[];
  readonly nonce: string;
  /** Unix milliseconds. */
  readonly now: number;
  readonly lifetimeMs: number;
}

/**
 * The header fields to add to a request.
 * @throws RampartError INVALID_ARGUMENT when the request cannot be signed.
 */
export function signRequest(
  request: HttpRequest,
  content: Uint8Array,
  { signer, components, nonce, now, lifetimeMs }: RequestSigning,
): Readonly<Record<string, string>> {
  const algorithm = algorithmOf(signer.publicKey);
  if (algorithm === undefined)
    throw new TypeError('the key of the identity is of no algorithm that requests are signed by');
  const digest = content.length === 0 ? {} : { [DIGEST]: contentDigest(content) };
  const fields: HttpRequest['fields'] = (name) =>
    name === DIGEST && content.length > 0 ? Object.values(digest) : request.fields(name);
  const message: HttpRequest = { ...request, fields };
  const { signatureInput, signature } = signMessage(
    message,
    {
      label: LABEL,
      components: wanted(message, components),
      created: now,
      expires: now + lifetimeMs,
      nonce,
      tag: REQUEST_TAG,
    },
    { keyId: signer.spiffeId.toString(), algorithm, privateKey: signer.privateKey, publicKey: signer.publicKey },
  );
  return {
    ...digest,
    'signature-input': signatureInput,
    signature,
    [SIGNING_CHAIN_FIELD]: writeSigningChain(signer.chain),
  };
}

/** Whose key counts. */
export interface TrustedSigner {
  readonly spiffeId: SpiffeId;
  readonly key: HttpVerificationKey;
}

/** What a service wants of the signature of a request. */
export interface RequestTrust {
  /** As for `signRequest`; fields that the request has must be covered. */
  readonly components: readonly string[];
  /** Whose certificates came with the request, as its field `SIGNING_CHAIN_FIELD` has them: `signerOfChain`, or a memory of it. */
  readonly signerOf: (chain: string) => Result<TrustedSigner, HttpSignatureProblem>;
  /** Unix milliseconds. */
  readonly now: number;
  readonly maxAgeMs: number;
  readonly clockSkewMs: number;
}

export interface SignedRequest {
  readonly signedBy: SpiffeId;
  /** One for each request of a signer. */
  readonly nonce: string;
  /** Unix milliseconds. */
  readonly created: number;
}

/**
 * Reads the certificates of a request's signer; `identify` says who a chain, leaf first, stands for: by roots, validity,
 * revocation.
 */
export function signerOfChain(
  text: string,
  identify: (chain: readonly Uint8Array[]) => Result<SpiffeId, string>,
): Result<TrustedSigner, HttpSignatureProblem> {
  const chain = readSigningChain(text);
  if (chain === undefined) return refuse('UNSIGNED', 'the request comes without the certificate of its signer');
  const identified = identify(chain);
  if (!identified.ok)
    return refuse('UNKNOWN_KEY', `the certificate of the signature is refused: ${identified.problem}`);
  const key = keyOf(chain);
  const algorithm = key === undefined ? undefined : algorithmOf(key);
  return key === undefined || algorithm === undefined
    ? refuse('UNKNOWN_KEY', 'the key of the certificate is of no algorithm that requests are signed by')
    : ok({ spiffeId: identified.value, key: { key, algorithm } });
}

/** Judges a request; `content` is all of it, as it came. Whether its nonce was seen before is for whoever remembers nonces. */
export function verifyRequest(
  request: HttpRequest,
  content: Uint8Array,
  trust: RequestTrust,
): Result<SignedRequest, HttpSignatureProblem> {
  const signer = trust.signerOf(request.fields(SIGNING_CHAIN_FIELD).join(', '));
  if (!signer.ok) return signer;
  const { spiffeId: signedBy, key } = signer.value;
  const verified = verifyMessage(request, {
    tag: REQUEST_TAG,
    components: wanted(request, trust.components, content.length > 0),
    keyOf: (keyId) => (keyId === signedBy.toString() ? key : undefined),
    now: trust.now,
    maxAgeMs: trust.maxAgeMs,
    clockSkewMs: trust.clockSkewMs,
  });
  if (!verified.ok) return verified;
  const { nonce, created, expires } = verified.value;
  if (expires === undefined) return refuse('STALE', 'the signature does not say when it expires');
  if (nonce === undefined || nonce.length < LEAST_NONCE || nonce.length > MOST_NONCE)
    return refuse('WRONG_NONCE', `the signature needs a nonce of ${LEAST_NONCE} to ${MOST_NONCE} characters`);
  const isDigested = content.length > 0 || request.fields(DIGEST).length > 0;
  if (isDigested && !isContentOf(request.fields, content))
    return refuse('BAD_DIGEST', 'the content is not the one that was signed');
  return ok({ signedBy, nonce, created });
}

/** Derived components are always there; fields where the request has them. */
function wanted(request: HttpRequest, components: readonly string[], hasContent = false): readonly Component[] {
  const names = new Set([...ALWAYS, ...components, DIGEST]);
  const isThere = (name: string): boolean =>
    name.startsWith('@') || request.fields(name).length > 0 || (hasContent && name === DIGEST);
  return [...names].filter(isThere).map((name) => ({ name, parameters: new Map() }));
}

function keyOf([leaf]: readonly Uint8Array[]): KeyObject | undefined {
  const parsed = leaf === undefined ? undefined : parseCertificate(leaf);
  return parsed?.ok === true ? toPublicKey(parsed.value.publicKey) : undefined;
}
