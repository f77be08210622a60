import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, RampartError, type Timer } from '@rampart/core';
import type { AuditEvent, Journal } from '@rampart/journal';
import { digestOf, rememberDigest } from '../token-digest.ts';
import { isRole, type Role, ROLES } from './role.ts';
import { type ApiTokenRecord, type ApiTokenStore, NEVER_ENDS } from './store.ts';

/** A token that is made for somebody. */
export interface ApiTokenRequest {
  readonly name: string;
  readonly role: string;
  /** Less than an hour; 15 minutes unless given. */
  readonly ttlSeconds?: number;
  readonly teams?: readonly string[];
  /** It lives until it is revoked; only for the role "service". */
  readonly isStatic?: boolean;
}

/** Who asks, for the audit record. */
export interface TokenRequester {
  readonly name: string;
  readonly sourceIp: string;
}

export interface NewApiToken {
  /** Seen this once. */
  readonly token: string;
  readonly record: ApiTokenRecord;
}

export interface ApiTokensOptions {
  readonly store: ApiTokenStore;
  readonly journal: Journal;
  readonly clock: Clock;
}

const PREFIX = 'rampart-api-';
const TOKEN = /^rampart-api-([0-9a-f]{16})\.[\w-]{43}$/;
const NAME = /^[a-z0-9](?:[a-z0-9._@-]{0,61}[a-z0-9])?$/;
const ID_OCTETS = 8;
const SECRET_OCTETS = 32;
const MOST_TEAMS = 32;
/** Timers of the platform reach no further (2³¹ − 1 ms). */
const LONGEST_TIMER_MS = 2_147_483_647;
const DEFAULT_TTL_SECONDS = 900;
const LEAST_TTL_SECONDS = 10;
const TTL_LIMIT_SECONDS = 3600;
const DEFAULT_OVERLAP_SECONDS = 60;
/** Compared with where there is no such token, so that the answer takes the same time. */
const NOBODY = Buffer.alloc(32);

/** Bearer tokens of people and machines that live less than an hour. They are random and long, so that a plain hash protects them at rest. */
export class ApiTokens {
  readonly #options: ApiTokensOptions;
  readonly #records: Map<string, ApiTokenRecord>;
  readonly #lookers = new Map<string, Set<() => void>>();

  private constructor(options: ApiTokensOptions, records: readonly ApiTokenRecord[]) {
    this.#options = options;
    this.#records = new Map(records.map((record) => [record.id, record]));
  }

  static async open(options: ApiTokensOptions): Promise<ApiTokens> {
    return new ApiTokens(options, await options.store.all());
  }

  /** @throws RampartError INVALID_ARGUMENT for a name, role or life that cannot be; STORAGE_FAILED. */
  async create(
    { name, role, ttlSeconds = DEFAULT_TTL_SECONDS, teams = [], isStatic = false }: ApiTokenRequest,
    by: TokenRequester,
  ): Promise<NewApiToken> {
    const holder = { name: checkName(name), role: checkRole(role), teams: checkTeams(teams) };
    demand(!isStatic || holder.role === 'service', 'static is for tokens of the role "service": all others end');
    const ttl = isStatic ? undefined : checkTtl(ttlSeconds);
    const created = this.#make(holder, ttl, by);
    await this.#prune();
    await this.#keep(created.record, event('API_TOKEN_CREATED', created.record, { by }));
    return created;
  }

  /** The token's record; undefined for one that nobody was given, or that has ended. */
  identify(token: string): ApiTokenRecord | undefined {
    const record = this.#records.get(TOKEN.exec(token)?.[1] ?? '');
    const known = record === undefined ? NOBODY : Buffer.from(record.tokenHash, 'hex');
    const digest = digestOf(token);
    if (!timingSafeEqual(digest, known) || record === undefined) return undefined;
    if (record.expiresAt <= this.#options.clock.now()) return undefined;
    rememberDigest(token, digest);
    return record;
  }

  /** Those that are valid now, oldest first. */
  list(): readonly ApiTokenRecord[] {
    const now = this.#options.clock.now();
    return [...this.#records.values()]
      .filter(({ expiresAt }) => expiresAt > now)
      .toSorted((a, b) => a.createdAt - b.createdAt);
  }

  /**
   * A new token of the same name and role. The old one ends `overlapSeconds` (60 unless given) later, or when it would have anyway.
   * @throws RampartError NOT_FOUND, INVALID_ARGUMENT, STORAGE_FAILED.
   */
  async rotate(
    id: string,
    times: { readonly ttlSeconds?: number; readonly overlapSeconds?: number },
    by: TokenRequester,
  ): Promise<NewApiToken> {
    const { clock, store } = this.#options;
    const old = this.list().find((record) => record.id === id);
    if (old === undefined) throw notFound(`there is no valid token with the id ${JSON.stringify(id)}`);
    const isStatic = old.expiresAt === NEVER_ENDS && times.ttlSeconds === undefined;
    const own = (old.expiresAt - old.createdAt) / 1000;
    const ttlSeconds = isStatic ? undefined : checkTtl(times.ttlSeconds ?? Math.round(own));
    const { overlapSeconds = DEFAULT_OVERLAP_SECONDS } = times;
    demand(overlapSeconds >= 0 && overlapSeconds < TTL_LIMIT_SECONDS, 'overlap_seconds is not less than an hour');
    const next = this.#make(old, ttlSeconds, by);
    const expiresAt = Math.min(old.expiresAt, clock.now() + overlapSeconds * 1000);
    await Promise.all([
      this.#keep(next.record, event('API_TOKEN_ROTATED', next.record, { by, previous: old.id })),
      store.shorten(old.id, expiresAt),
    ]);
    this.#records.set(old.id, { ...old, expiresAt });
    this.#endMoved(old.id);
    return next;
  }

  /** Ends tokens at once, and what was called with them; gives how many. Throws STORAGE_FAILED. */
  async revoke(which: { readonly id?: string; readonly name?: string }, by: TokenRequester): Promise<number> {
    const ended = this.list().filter(({ id, name }) => id === which.id || name === which.name);
    if (ended.length === 0) return 0;
    const ids = ended.map(({ id }) => id);
    const { store, journal } = this.#options;
    await Promise.all([
      store.remove(ids),
      ...ended.map((record) => journal.audit(event('API_TOKEN_REVOKED', record, { by }))),
    ]);
    for (const id of ids) {
      this.#records.delete(id);
      this.#endMoved(id);
    }
    return ended.length;
  }

  /** Calls back once when the token ends, whether by its time or before; returns how to stop waiting. */
  onEnded(id: string, listener: () => void): () => void {
    const { clock } = this.#options;
    let timer: Timer | undefined;
    const look = (): void => {
      timer?.cancel();
      const leftMs = (this.#records.get(id)?.expiresAt ?? 0) - clock.now();
      if (leftMs > 0) {
        timer = clock.after(Math.min(leftMs, LONGEST_TIMER_MS), look);
        return;
      }
      forget();
      listener();
    };
    const lookers = this.#lookers.get(id) ?? new Set();
    this.#lookers.set(id, lookers.add(look));
    const forget = (): void => {
      timer?.cancel();
      lookers.delete(look);
      if (lookers.size === 0) this.#lookers.delete(id);
    };
    look();
    return forget;
  }

  /** Whoever waits for its end looks when that is now. */
  #endMoved(id: string): void {
    for (const look of this.#lookers.get(id) ?? []) look();
  }

  #make(
    { name, role, teams }: Pick<ApiTokenRecord, 'name' | 'role' | 'teams'>,
    ttlSeconds: number | undefined,
    by: TokenRequester,
  ): NewApiToken {
    const id = randomBytes(ID_OCTETS).toString('hex');
    const token = `${PREFIX}${id}.${randomBytes(SECRET_OCTETS).toString('base64url')}`;
    const createdAt = this.#options.clock.now();
    const tokenHash = digestOf(token).toString('hex');
    const expiresAt = ttlSeconds === undefined ? NEVER_ENDS : createdAt + ttlSeconds * 1000;
    return { token, record: { id, name, role, teams, tokenHash, createdAt, expiresAt, createdBy: by.name } };
  }

  async #keep(record: ApiTokenRecord, audit: AuditEvent): Promise<void> {
    await Promise.all([this.#options.store.add(record), this.#options.journal.audit(audit)]);
    this.#records.set(record.id, record);
  }

  async #prune(): Promise<void> {
    const now = this.#options.clock.now();
    const ended = [...this.#records.values()].filter(({ expiresAt }) => expiresAt <= now).map(({ id }) => id);
    if (ended.length === 0) return;
    await this.#options.store.remove(ended);
    for (const id of ended) this.#records.delete(id);
  }
}

function event(
  eventType: 'API_TOKEN_CREATED' | 'API_TOKEN_ROTATED' | 'API_TOKEN_REVOKED',
  { id, name, role, teams, expiresAt }: ApiTokenRecord,
  { by, previous }: { readonly by: TokenRequester; readonly previous?: string },
): AuditEvent {
  const details = {
    id,
    name,
    role,
    ...(teams.length === 0 ? {} : { teams }),
    expires_at: expiresAt === NEVER_ENDS ? 'never' : new Date(expiresAt).toISOString(),
    ...(previous === undefined ? {} : { previous_id: previous }),
  };
  return { eventType, identity: by.name, sourceIp: by.sourceIp, result: 'SUCCESS', details };
}

function checkName(name: string): string {
  demand(
    NAME.test(name),
    'name is not 1 to 63 characters of a-z, 0-9, ".", "-", "_" and "@", beginning and ending with a letter or digit',
  );
  return name;
}

function checkTeams(teams: readonly string[]): readonly string[] {
  demand(teams.length <= MOST_TEAMS, `a token has at most ${MOST_TEAMS} teams`);
  demand(
    teams.every((team) => NAME.test(team)),
    'teams are names of 1 to 63 characters of a-z, 0-9, ".", "-", "_" and "@"',
  );
  return [...new Set(teams)];
}

function checkRole(role: string): Role {
  if (isRole(role)) return role;
  throw new RampartError('INVALID_ARGUMENT', `role ${JSON.stringify(role)} is none of ${ROLES.join(', ')}`);
}

function checkTtl(seconds: number): number {
  const isSound = Number.isInteger(seconds) && seconds >= LEAST_TTL_SECONDS && seconds < TTL_LIMIT_SECONDS;
  demand(
    isSound,
    `ttl_seconds is not from ${LEAST_TTL_SECONDS} to ${TTL_LIMIT_SECONDS - 1}: these tokens live less than an hour`,
  );
  return seconds;
}

function demand(condition: boolean, what: string): void {
  if (!condition) throw new RampartError('INVALID_ARGUMENT', what);
}

function notFound(what: string): RampartError {
  return new RampartError('NOT_FOUND', `${what}; rampart api-token list shows those that are valid`);
}
