import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import type { JwtRule } from '@rampart/core';

import type { Carrier } from './carrier.ts';
import type { FetchDocument } from './keys/document.ts';
import { KeySources } from './keys/key-sources.ts';
import type { Clock } from '@rampart/core';

/** Signs what no library would sign. */
export class TestIssuer {
  readonly name: string;
  readonly keyId: string;
  readonly #key: KeyObject;
  readonly publicKey: KeyObject;

  constructor(name: string, keyId = 'key-1') {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.name = name;
    this.keyId = keyId;
    this.#key = pair.privateKey;
    this.publicKey = pair.publicKey;
  }

  get jwk(): Readonly<Record<string, unknown>> {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.keyId, alg: 'ES256', use: 'sig' };
  }

  get jwks(): string {
    return JSON.stringify({ keys: [this.jwk] });
  }

  /** A token with these claims, of this issuer unless they say otherwise. */
  token(claims: object = {}, header: object = {}): string {
    const payload = JSON.stringify({ iss: this.name, sub: 'alice', ...claims });
    return this.tokenOf(payload, JSON.stringify({ alg: 'ES256', kid: this.keyId, ...header }));
  }

  /** A token of exactly these texts. */
  tokenOf(payload: string | Uint8Array, header: string | Uint8Array = this.header): string {
    const signed = `${encode(header)}.${encode(payload)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  get header(): string {
    return JSON.stringify({ alg: 'ES256', kid: this.keyId });
  }
}

/** A token whose "signature" is an HMAC. */
export function hmacToken(payload: object, header: object, secret: Uint8Array): string {
  const signed = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(payload))}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

export function encode(part: string | Uint8Array): string {
  return Buffer.from(part).toString('base64url');
}

export interface RequestParts {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export function carrier({ method = 'GET', target = '/orders', headers = [] }: RequestParts = {}): Carrier {
  return {
    method,
    target,
    host: 'orders-api:8080',
    values: (name) => headers.flatMap(([header, value]) => (header.toLowerCase() === name ? [value] : [])),
  };
}

export function bearer(token: string): RequestParts {
  return { headers: [['authorization', `Bearer ${token}`]] };
}

export function rule(parts: Partial<JwtRule> & { readonly issuer: string }): JwtRule {
  return { forwardOriginalToken: false, timeoutMs: 5000, ...parts };
}

/** Key sources whose documents come from a table by address; what is not in it cannot be had. */
export function sourcesOf(
  clock: Clock,
  documents: ReadonlyMap<string, string> = new Map(),
  asked: string[] = [],
): KeySources {
  const fetch: FetchDocument = async (url) => {
    asked.push(url.href);
    const document = documents.get(url.href);
    if (document === undefined) throw new Error('connect ECONNREFUSED');
    return document;
  };
  const silent = (): void => {};
  const log = { error: silent, warn: silent, info: silent, debug: silent };
  return new KeySources({ fetch, clock, random: () => 0, log });
}
