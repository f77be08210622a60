import { createLocalJWKSet } from 'jose';
import type { JWK } from 'jose';
import type { Clock, JwtAttestor } from '@rampart/core';
import type { AskOutside } from '../../outside/ask.ts';

export type KeyLookup = ReturnType<typeof createLocalJWKSet>;

const FRESH_MS = 10 * 60_000;
/** An issuer that is away does not keep newcomers out at once. */
const STALE_MS = 60 * 60_000;
/** Unknown key ids are no reason to ask more often than this. */
const COOL_DOWN_MS = 30_000;
/** Nor are newcomers, of an issuer that did not answer. */
const FAILURE_COOL_DOWN_MS = 3000;
/** A Kubernetes API server answers 406 to who does not take key sets under their own name (RFC 7517 §8.5.2). */
const ACCEPT = 'application/json, application/jwk-set+json, */*;q=0.1';
const WELL_KNOWN = '/.well-known/openid-configuration';

interface FetchedKeys {
  readonly keys: KeyLookup;
  readonly at: number;
}

/**
 * The keys of one issuer: those of the resource itself, or fetched and kept. Of those who need them at the same time, one asks.
 * Every method rejects with an `Error` that says why there are none.
 */
export class IssuerKeys {
  readonly #attestor: JwtAttestor;
  readonly #ask: AskOutside;
  readonly #clock: Pick<Clock, 'now'>;
  #fetched: FetchedKeys | undefined;
  #fetching: Promise<FetchedKeys> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown; readonly at: number } | undefined;

  constructor(attestor: JwtAttestor, ask: AskOutside, clock: Pick<Clock, 'now'>) {
    this.#attestor = attestor;
    this.#ask = ask;
    this.#clock = clock;
    if (attestor.jwks !== undefined) this.#fetched = { keys: readKeys(attestor.jwks), at: Number.POSITIVE_INFINITY };
  }

  async current(): Promise<KeyLookup> {
    const known = this.#fetched;
    const age = known === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() - known.at;
    if (known !== undefined && age < FRESH_MS) return known.keys;
    if (known !== undefined && age < STALE_MS) return this.#isCoolingDown() ? known.keys : this.#freshOr(known);
    return (await this.#refresh()).keys;
  }

  /** Newer keys than those that did not match; undefined when it is too soon to ask again. */
  async newer(): Promise<KeyLookup | undefined> {
    if (this.#attestor.jwks !== undefined) return undefined;
    if (this.#fetching === undefined && this.#isCoolingDown()) return undefined;
    return (await this.#refresh()).keys;
  }

  #isCoolingDown(): boolean {
    return this.#clock.now() - this.#askedAt < COOL_DOWN_MS;
  }

  async #freshOr(known: FetchedKeys): Promise<KeyLookup> {
    try {
      return (await this.#refresh()).keys;
    } catch {
      return known.keys;
    }
  }

  #refresh(): Promise<FetchedKeys> {
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetch(): Promise<FetchedKeys> {
    const now = this.#clock.now();
    if (this.#failure !== undefined && now - this.#failure.at < FAILURE_COOL_DOWN_MS) throw this.#failure.error;
    try {
      const fetched = await this.#fetchNow();
      this.#failure = undefined;
      return fetched;
    } catch (error) {
      this.#failure = { error, at: now };
      throw error;
    }
  }

  async #fetchNow(): Promise<FetchedKeys> {
    this.#askedAt = this.#clock.now();
    const text = await this.#get(await this.#location());
    this.#fetched = { keys: readKeys(text), at: this.#askedAt };
    return this.#fetched;
  }

  /** OpenID Connect Discovery 1.0 §4: the document must name the very issuer it was asked of, keys of an https issuer come over https. */
  async #location(): Promise<URL> {
    const { issuer, jwksUri } = this.#attestor;
    if (jwksUri !== undefined) return new URL(jwksUri);
    const location = new URL(`${issuer.replace(/\/$/, '')}${WELL_KNOWN}`);
    const { issuer: named, jwks_uri: keys } = asObject(JSON.parse(await this.#get(location)));
    if (named !== issuer) throw new Error(`${location.href} is about another issuer than ${issuer}`);
    const url = typeof keys === 'string' && URL.canParse(keys) ? new URL(keys) : undefined;
    if (url === undefined || !(url.protocol === 'https:' || url.protocol === location.protocol)) {
      throw new Error(`${location.href} has no jwks_uri that can be used`);
    }
    return url;
  }

  async #get(url: URL): Promise<string> {
    const { caBundle } = this.#attestor;
    const roots = caBundle === undefined ? {} : { roots: caBundle };
    const { status, text } = await this.#ask({ method: 'GET', url, headers: { accept: ACCEPT }, ...roots });
    if (status !== 200) throw new Error(`${url.href} answered ${status}`);
    return text;
  }
}

function readKeys(text: string): KeyLookup {
  const object = asObject(JSON.parse(text));
  const keys: readonly unknown[] = Array.isArray(object['keys']) ? object['keys'] : [object];
  // A secret key verifies nothing of an issuer: whoever can verify could sign as well.
  const usable = keys.map(asObject).filter(isPublicKey);
  return createLocalJWKSet({ keys: usable });
}

function isPublicKey(key: Readonly<Record<string, unknown>>): key is JWK {
  return typeof key['kty'] === 'string' && key['kty'] !== 'oct';
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new Error('what was fetched is no JSON object');
}
