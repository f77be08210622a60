import type { KeyObject } from 'node:crypto';

import { RampartError } from '@rampart/core';

import { fitsAlgorithm, isSignedBy, signBase } from './algorithms.ts';
import type { HttpSignatureAlgorithm } from './algorithms.ts';
import type { Component } from './component.ts';
import type { HttpMessage } from './message.ts';
import { serializeParams, signatureBase } from './signature-base.ts';
import { serializeByteSequence } from './structured-fields.ts';

/** What is signed, and what is said of it. */
export interface SignatureOrder {
  /** Names the signature among others of the message: a structured field's key. */
  readonly label: string;
  readonly components: readonly Component[];
  /** Unix milliseconds, cut down to whole seconds. */
  readonly created: number;
  readonly expires?: number;
  readonly nonce?: string;
  readonly tag?: string;
}

export interface HttpSigningKey {
  readonly keyId: string;
  readonly algorithm: HttpSignatureAlgorithm;
  readonly privateKey: KeyObject;
  /** What the signature is verified with before it leaves; the key itself for a shared secret. */
  readonly publicKey: KeyObject;
}

/** The values of the two fields to add to the message. */
export interface SignatureFields {
  readonly signatureInput: string;
  readonly signature: string;
}

/**
 * Signs a message (RFC 9421 §3.1). The signature is verified before it is given out.
 * @throws RampartError INVALID_ARGUMENT when the message has not what is to be covered, or the key is not of its algorithm.
 */
export function signMessage(message: HttpMessage, order: SignatureOrder, key: HttpSigningKey): SignatureFields {
  if (!fitsAlgorithm(key.privateKey, key.algorithm)) {
    throw new RampartError('INVALID_ARGUMENT', `HTTP signature: the key is not one for ${key.algorithm}`);
  }
  const params = { components: order.components, parameters: parametersOf(order, key) };
  const base = signatureBase(message, params);
  if (!base.ok) throw new RampartError('INVALID_ARGUMENT', `HTTP signature: ${base.problem.message}`);
  const signature = signBase(base.value, key.privateKey, key.algorithm);
  if (!isSignedBy(base.value, signature, { key: key.publicKey, algorithm: key.algorithm })) {
    throw new RampartError('INTERNAL', 'an HTTP signature that was just made does not verify');
  }
  return {
    signatureInput: `${order.label}=${serializeParams(params)}`,
    signature: `${order.label}=${serializeByteSequence(signature)}`,
  };
}

function parametersOf(order: SignatureOrder, { keyId }: HttpSigningKey): Map<string, number | string> {
  const { created, expires, nonce, tag } = order;
  const parameters = new Map<string, number | string>([['created', seconds(created)]]);
  if (expires !== undefined) parameters.set('expires', seconds(expires));
  if (nonce !== undefined) parameters.set('nonce', nonce);
  parameters.set('keyid', keyId);
  if (tag !== undefined) parameters.set('tag', tag);
  return parameters;
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
