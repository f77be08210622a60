import { createHash, randomUUID } from 'node:crypto';
import { type Clock, RampartError, type TrustDomain } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { KeyStore, Signer } from '@rampart/keyring';
import { algorithmOf, issueJwtSvid, type JwtAuthority, toPublicJwk } from '@rampart/spiffe';
import * as events from './events.ts';
import type { IssuedJwtSvid, JwtAuthorities, JwtRequester, JwtSvidRequest } from './jwt-svid-issuer.ts';
import { checkJwtLifetimes, type JwtLifetimes } from './lifetimes.ts';
import type { JwtKeyRecord, JwtKeyStore } from './store.ts';
import { dutiesAt, newestKey, nextDutyAt, publishedKeys, sequenceOf, signingKey } from './timetable.ts';

export interface JwtAuthorityOptions {
  readonly trustDomain: TrustDomain;
  readonly keys: KeyStore;
  readonly store: JwtKeyStore;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly lifetimes?: Partial<JwtLifetimes>;
  /** That of the last key unless given, and of the first ES256. RS256 is what every relying party of OpenID Connect knows, and some clouds know nothing else. */
  readonly algorithm?: JwtSigningAlgorithm;
  /** `iss` of every token: the URL under which relying parties find /.well-known/openid-configuration. */
  readonly issuer?: string;
}

/** What new keys sign with; those of the other algorithm go on until they end. */
export type JwtSigningAlgorithm = 'ES256' | 'RS256';

const KEY_TYPES = { ES256: 'ec-p256', RS256: 'rsa-2048' } as const;

const AUTHORITY: JwtRequester = { requestedBy: 'authority', sourceIp: '' };
const SECOND = 1000;
/** Readers take an `iat` that is no further ahead than this. */
const MOST_AHEAD_MS = 60_000;

/**
 * Opens the JWT-SVID authority of a trust domain: continues with the keys that the store knows, and makes the first one when
 * there is none.
 * @throws RampartError KEY_UNREADABLE when a private key is missing or is another one; INVALID_ARGUMENT (lifetimes).
 */
export async function openJwtAuthority(options: JwtAuthorityOptions): Promise<JwtAuthorities> {
  const lifetimes = checkJwtLifetimes(options.lifetimes);
  const keys = await options.store.jwtKeys();
  const signers = new Map<string, Signer>();
  for (const key of publishedKeys(keys)) signers.set(key.keyId, await reopen(key, options.keys));
  const { algorithm = lastAlgorithm(keys) } = options;
  const authority = new JournaledJwtAuthority({ ...options, algorithm, lifetimes }, { keys, signers });
  await authority.keepCurrent();
  return authority;
}

interface Parts extends JwtAuthorityOptions {
  readonly algorithm: JwtSigningAlgorithm;
  readonly lifetimes: JwtLifetimes;
}

/** Whatever it issues or changes is durable in the journal first. */
class JournaledJwtAuthority implements JwtAuthorities {
  readonly #parts: Parts;
  readonly #signers: Map<string, Signer>;
  readonly #listeners = new Set<() => void>();
  #keys: readonly JwtKeyRecord[];
  #authorities: readonly JwtAuthority[] | undefined;
  #keepRevocation: (key: JwtKeyRecord, by: JwtRequester) => Promise<void> = async () => {};
  /** Changes of keys, one after the other. */
  #change: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts, stored: { readonly keys: readonly JwtKeyRecord[]; readonly signers: Map<string, Signer> }) {
    this.#parts = parts;
    this.#keys = stored.keys;
    this.#signers = stored.signers;
  }

  get longestSvidMs(): number {
    return this.#parts.lifetimes.maxSvidMs;
  }

  get sequence(): number {
    return sequenceOf(this.#keys);
  }

  keys(): readonly JwtKeyRecord[] {
    return this.#keys;
  }

  authorities(): readonly JwtAuthority[] {
    this.#authorities ??= publishedKeys(this.#keys).map(({ keyId, publicKeyDer }) => ({
      keyId,
      jwk: jwkOf(publicKeyDer),
    }));
    return this.#authorities;
  }

  signingKeyId(): string {
    return this.#signingKey().keyId;
  }

  async issue(request: JwtSvidRequest): Promise<IssuedJwtSvid> {
    const problem = problemOf(request, this.#parts.trustDomain) ?? aheadProblem(request, this.#parts.clock.now());
    if (problem !== undefined) {
      await this.#parts.journal.audit(events.jwtSvidDenied(request, problem));
      throw new RampartError('INVALID_ARGUMENT', `this JWT-SVID cannot be issued: ${problem}`);
    }
    if (signingKey(this.#keys, this.#parts.clock.now()) === undefined) await this.keepCurrent();
    const issued = await this.#sign(request);
    const { journal } = this.#parts;
    await Promise.all([
      journal.append('ledger', events.jwtSvidEntry(issued, request)),
      journal.audit(events.jwtSvidIssued(issued, request)),
    ]);
    return issued;
  }

  keepCurrent(): Promise<number> {
    return this.#inTurn(async () => {
      const { clock, lifetimes } = this.#parts;
      const { retire, prepareFrom = this.#changeFrom() } = dutiesAt(this.#keys, clock.now(), lifetimes);
      if (prepareFrom !== undefined) await this.#prepare(prepareFrom, AUTHORITY);
      for (const key of retire) await this.#retire(key, { type: 'JWT_KEY_RETIRED', by: AUTHORITY });
      return nextDutyAt(this.#keys, clock.now(), lifetimes);
    });
  }

  rotate(by: JwtRequester): Promise<JwtKeyRecord> {
    const { clock, lifetimes } = this.#parts;
    return this.#inTurn(async () => {
      const [now, from] = [clock.now(), clock.now() + lifetimes.publishedMs];
      const newest = newestKey(this.#keys, now);
      // Whoever asks again and again gets no more keys for it: a bundle of hundreds would be refused everywhere.
      const isUnderWay = newest !== undefined && newest.activeFrom > now && newest.activeFrom <= from;
      return isUnderWay ? newest : this.#prepare(from, by);
    });
  }

  revoke(keyId: string, by: JwtRequester): Promise<boolean> {
    return this.#inTurn(async () => {
      const key = publishedKeys(this.#keys).find((known) => known.keyId === keyId);
      if (key === undefined) return false;
      const others = this.#keys.filter((known) => known !== key);
      const now = this.#parts.clock.now();
      // Nobody else's tokens are to fail meanwhile: the successor is in the bundle before the key leaves it.
      if (signingKey(others, now) === undefined) await this.#prepare(now, by);
      await this.#keepRevocation(key, by);
      await this.#retire(key, { type: 'JWT_KEY_REVOKED', by });
      return true;
    });
  }

  onRevoking(keep: (key: JwtKeyRecord, by: JwtRequester) => Promise<void>): void {
    this.#keepRevocation = keep;
  }

  onChanged(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  async #sign({ spiffeId, audiences, ttlMs, issuedFrom = 0 }: JwtSvidRequest): Promise<IssuedJwtSvid> {
    const { clock, lifetimes, issuer } = this.#parts;
    const key = this.#signingKey();
    const signer = this.#signers.get(key.keyId);
    if (signer === undefined) throw new RampartError('INTERNAL', 'BUG: a JWT key without a signer');
    // In the second of a revocation the next one has to do: readers know whole seconds only.
    const now = Math.max(clock.now(), issuedFrom);
    const lifeMs = Math.min(ttlMs ?? lifetimes.svidMs, lifetimes.maxSvidMs);
    const issuedAt = Math.floor(now / SECOND) * SECOND;
    const expiresAt = Math.floor(Math.min(now + lifeMs, key.notAfter) / SECOND) * SECOND;
    const id = randomUUID();
    const claims = {
      spiffeId,
      audience: audiences,
      issuedAt,
      expiresAt,
      id,
      ...(issuer === undefined ? {} : { issuer }),
    };
    const token = await issueJwtSvid(claims, { signer, keyId: key.keyId });
    return { token, spiffeId, id, keyId: key.keyId, issuedAt, expiresAt };
  }

  #signingKey(): JwtKeyRecord {
    const key = signingKey(this.#keys, this.#parts.clock.now());
    if (key === undefined)
      throw new RampartError('INTERNAL', 'every key for JWT-SVIDs has ended, and no new one was made');
    return key;
  }

  /** When a key of the algorithm that is asked for begins to sign; undefined when the newest key is of that one. */
  #changeFrom(): number | undefined {
    const { clock, lifetimes, algorithm } = this.#parts;
    const newest = newestKey(this.#keys, clock.now());
    const isOther = newest !== undefined && algorithmOf(jwkOf(newest.publicKeyDer)) !== algorithm;
    return isOther ? clock.now() + lifetimes.publishedMs : undefined;
  }

  /** First the private key is durable, then the records, then the key is used. */
  async #prepare(activeFrom: number, by: JwtRequester): Promise<JwtKeyRecord> {
    const { keys, store, journal, clock, lifetimes, algorithm } = this.#parts;
    const keyName = `jwt-${randomUUID()}`;
    const signer = await keys.create(keyName, KEY_TYPES[algorithm]);
    const createdAt = clock.now();
    const keyId = thumbprint(signer.publicKeyDer);
    const { publicKeyDer } = signer;
    const key: JwtKeyRecord = {
      keyId,
      keyName,
      publicKeyDer,
      createdAt,
      activeFrom,
      notAfter: activeFrom + lifetimes.keyMs,
    };
    await Promise.all([
      store.addJwtKey(key),
      journal.append('ledger', events.jwtKeyEntry('JWT_KEY_PREPARED', key, by.requestedBy)),
      journal.audit(events.jwtKeyEvent('JWT_KEY_PREPARED', key, by)),
    ]);
    this.#signers.set(keyId, signer);
    this.#changed([...this.#keys, key]);
    return key;
  }

  async #retire(
    key: JwtKeyRecord,
    { type, by }: { readonly type: 'JWT_KEY_RETIRED' | 'JWT_KEY_REVOKED'; readonly by: JwtRequester },
  ): Promise<void> {
    const { store, journal, clock } = this.#parts;
    const retiredAt = clock.now();
    await Promise.all([
      store.retireJwtKey(key.keyId, retiredAt),
      journal.append('ledger', events.jwtKeyEntry(type, key, by.requestedBy)),
      journal.audit(events.jwtKeyEvent(type, key, by)),
    ]);
    this.#signers.delete(key.keyId);
    this.#changed(this.#keys.map((known) => (known.keyId === key.keyId ? { ...known, retiredAt } : known)));
  }

  #changed(keys: readonly JwtKeyRecord[]): void {
    this.#keys = keys;
    this.#authorities = undefined;
    for (const listener of this.#listeners) listener();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#change.then(work);
    this.#change = done.catch(() => undefined);
    return done;
  }
}

async function reopen({ keyId, keyName, publicKeyDer }: JwtKeyRecord, keys: KeyStore): Promise<Signer> {
  const signer = await keys.open(keyName);
  if (signer !== undefined && Buffer.compare(signer.publicKeyDer, publicKeyDer) === 0) return signer;
  const what = signer === undefined ? 'is missing' : 'is another key';
  throw new RampartError(
    'KEY_UNREADABLE',
    `the private key "${keyName}" of JWT key ${keyId} ${what}; restore the keys from the same backup as the database`,
  );
}

function problemOf({ spiffeId, audiences, ttlMs }: JwtSvidRequest, trustDomain: TrustDomain): string | undefined {
  if (!spiffeId.trustDomain.equals(trustDomain))
    return `${spiffeId.toString()} is not of trust domain ${trustDomain.name}`;
  if (spiffeId.path === '') return `${spiffeId.toString()} names a trust domain, not a workload`;
  if (audiences.length === 0 || audiences.includes(''))
    return 'it names no audience; give at least one, none of them empty';
  if (new Set(audiences).size !== audiences.length) return 'it names an audience twice';
  if (ttlMs !== undefined && !(ttlMs >= SECOND)) return 'its life is not at least a second';
  return undefined;
}

/** A restart without a word about it changes nothing. */
function lastAlgorithm(keys: readonly JwtKeyRecord[]): JwtSigningAlgorithm {
  const last = keys.at(-1);
  return last !== undefined && algorithmOf(jwkOf(last.publicKeyDer)) === 'RS256' ? 'RS256' : 'ES256';
}

function aheadProblem({ spiffeId, issuedFrom = 0 }: JwtSvidRequest, now: number): string | undefined {
  if (issuedFrom <= now + MOST_AHEAD_MS) return undefined;
  const until = new Date(issuedFrom).toISOString();
  return `tokens of ${spiffeId.toString()} are revoked until ${until}, which the clock here says is yet to come; set the clock`;
}

function jwkOf(publicKeyDer: Uint8Array): JwtAuthority['jwk'] {
  const jwk = toPublicJwk(publicKeyDer);
  if (jwk === undefined)
    throw new RampartError('KEY_UNREADABLE', 'a stored JWT key is not readable; restore the database from a backup');
  return jwk;
}

/** RFC 7638: SHA-256 of the required members in the order of their names. */
function thumbprint(publicKeyDer: Uint8Array): string {
  const jwk = jwkOf(publicKeyDer);
  const members =
    jwk.kty === 'EC' ? { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y } : { e: jwk.e, kty: jwk.kty, n: jwk.n };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}
