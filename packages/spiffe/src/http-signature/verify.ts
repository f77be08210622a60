import type { KeyObject } from 'node:crypto';

import { ok } from '@rampart/core';
import type { Result } from '@rampart/core';

import { fitsAlgorithm, isSignedBy } from './algorithms.ts';
import type { HttpSignatureAlgorithm } from './algorithms.ts';
import { identifierOf } from './component.ts';
import type { Component } from './component.ts';
import type { HttpMessage } from './message.ts';
import { refuse } from './problem.ts';
import type { HttpSignatureProblem, Refused } from './problem.ts';
import { readSignatures } from './read-signatures.ts';
import type { ReadSignature } from './read-signatures.ts';
import { signatureBase } from './signature-base.ts';

export interface HttpVerificationKey {
  /** A public key, or the shared secret. */
  readonly key: KeyObject;
  /** The key decides, never the message (RFC 9421 §7.3.6). */
  readonly algorithm: HttpSignatureAlgorithm;
}

/** What a signature has to be to count. */
export interface SignatureRules {
  /** What the signature is for; others are passed over. */
  readonly tag?: string;
  /** What has to be covered, at least. */
  readonly components: readonly Component[];
  readonly keyOf: (keyId: string) => HttpVerificationKey | undefined;
  /** Unix milliseconds. */
  readonly now: number;
  /** How long after it was made a signature is fresh, milliseconds. */
  readonly maxAgeMs: number;
  /** How far the clocks of both ends may be apart, milliseconds. */
  readonly clockSkewMs: number;
  /** The nonce that was asked for. */
  readonly nonce?: string;
}

export interface VerifiedSignature {
  readonly label: string;
  readonly keyId: string;
  /** Unix milliseconds. */
  readonly created: number;
  readonly nonce: string | undefined;
  /** Unix milliseconds. */
  readonly expires: number | undefined;
}

/** Verifies that the message has one signature by these rules (RFC 9421 §3.2); of several candidates, none may fail. */
export function verifyMessage(
  message: HttpMessage,
  rules: SignatureRules,
): Result<VerifiedSignature, HttpSignatureProblem> {
  const read = readSignatures(message.fields);
  if (!read.ok) return read;
  const candidates = read.value.filter(
    ({ parameters }) => rules.tag === undefined || parameters.get('tag') === rules.tag,
  );
  const [first] = candidates;
  if (first === undefined) return refuse('UNSIGNED', 'the message has no signature of the wanted kind');
  if (candidates.length > 1) return refuse('MALFORMED', 'the message has more than one signature of the wanted kind');
  return verifyOne(message, first, rules);
}

function verifyOne(
  message: HttpMessage,
  found: ReadSignature,
  rules: SignatureRules,
): Result<VerifiedSignature, HttpSignatureProblem> {
  const keyId = found.parameters.get('keyid');
  if (typeof keyId !== 'string') return refuse('UNKNOWN_KEY', 'the signature does not name its key');
  const refusal = notCovered(found, rules) ?? notFresh(found, rules) ?? wrongNonce(found, rules);
  if (refusal !== undefined) return refusal;
  const trusted = rules.keyOf(keyId);
  if (trusted === undefined) return refuse('UNKNOWN_KEY', 'nobody vouches for the key of the signature');
  const claimed = found.parameters.get('alg');
  if ((claimed !== undefined && claimed !== trusted.algorithm) || !fitsAlgorithm(trusted.key, trusted.algorithm)) {
    return refuse('UNKNOWN_KEY', `the key is one for ${trusted.algorithm}`);
  }
  const base = signatureBase(message, found);
  if (!base.ok) return base;
  if (!isSignedBy(base.value, found.signature, trusted)) {
    return refuse('BAD_SIGNATURE', 'the signature is not of this message by that key');
  }
  const nonce = found.parameters.get('nonce');
  const expires = found.parameters.get('expires');
  return ok({
    label: found.label,
    keyId,
    created: Number(found.parameters.get('created')) * 1000,
    nonce: typeof nonce === 'string' ? nonce : undefined,
    expires: typeof expires === 'number' ? expires * 1000 : undefined,
  });
}

function notCovered({ components }: ReadSignature, rules: SignatureRules): Refused | undefined {
  const covered = new Set(components.map(identifierOf));
  const left = rules.components.map(identifierOf).find((identifier) => !covered.has(identifier));
  return left === undefined ? undefined : refuse('NOT_COVERED', `the signature does not cover ${left}`);
}

function notFresh({ parameters }: ReadSignature, { now, maxAgeMs, clockSkewMs }: SignatureRules): Refused | undefined {
  const created = parameters.get('created');
  if (!isTime(created)) return refuse('STALE', 'the signature does not say when it was made, in whole seconds');
  if (created * 1000 > now + clockSkewMs)
    return refuse('STALE', 'the signature is from the future: look at the clocks of both ends');
  if (now > created * 1000 + maxAgeMs + clockSkewMs) return refuse('STALE', 'the signature is too old');
  const expires = parameters.get('expires');
  if (expires === undefined) return undefined;
  if (!isTime(expires) || now > expires * 1000 + clockSkewMs) return refuse('STALE', 'the signature has expired');
  return undefined;
}

/** An Integer, never a Decimal (RFC 9421 §2.3). */
function isTime(value: unknown): value is number {
  return Number.isInteger(value);
}

function wrongNonce({ parameters }: ReadSignature, { nonce }: SignatureRules): Refused | undefined {
  if (nonce === undefined || parameters.get('nonce') === nonce) return undefined;
  return refuse('WRONG_NONCE', 'the signature is not the answer to this request');
}
