import {
  type Authority,
  type JwtAuthorities,
  type JwtLifetimes,
  type JwtSigningAlgorithm,
  openJwtAuthority,
} from '@rampart/authority';
import { type Clock, RampartError, type Timer, type TrustDomain } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { KeyStore } from '@rampart/keyring';
import type { TrustBundle } from '@rampart/spiffe';
import type { Logger } from '../log.ts';
import type { Database } from '../storage/database.ts';
import { createJwtKeyStore } from '../storage/stores/jwt-key-store.ts';
import type { Teardown } from '../teardown.ts';

/** What this trust domain's SVIDs are verified with, and who signs its tokens. */
export interface OwnTrust {
  readonly jwt: JwtAuthorities;
  /** Where relying parties find the discovery document; undefined when nobody said. */
  readonly issuer: string | undefined;
  /** Roots and JWT keys together, with one sequence; the same object while it is the same. */
  bundle(): TrustBundle;
}

export interface JwtKeysOptions {
  readonly trustDomain: TrustDomain;
  readonly database: Database;
  readonly keys: KeyStore;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly lifetimes?: Partial<JwtLifetimes>;
  readonly algorithm?: JwtSigningAlgorithm;
  readonly issuer?: string;
  readonly log: Logger;
  readonly teardown: Teardown;
}

const RETRY_MS = 30_000;
const LONGEST_WAIT_MS = 6 * 3_600_000;
/** SPIFFE's own default (SPIFFE_Federation.md §4.1). */
const REFRESH_HINT_SECONDS = 300;

/**
 * Opens the JWT-SVID authority and keeps its keys current for as long as it is open.
 * @throws RampartError KEY_UNREADABLE, STORAGE_FAILED, INVALID_ARGUMENT (issuer, lifetimes).
 */
export async function openJwtKeys(options: JwtKeysOptions): Promise<JwtAuthorities> {
  if (options.issuer !== undefined) checkIssuer(options.issuer);
  const jwt = await openJwtAuthority({ ...options, store: createJwtKeyStore(options.database) });
  const keeper = new KeyKeeper(jwt, options);
  keeper.run();
  options.teardown.add('JWT keys', () => keeper.stop());
  return jwt;
}

export function createOwnTrust(authority: Pick<Authority, 'bundle'>, jwt: JwtAuthorities, issuer?: string): OwnTrust {
  let bundle: TrustBundle | undefined;
  return {
    jwt,
    issuer,
    bundle: () => {
      const own = authority.bundle();
      // Both only ever grow, so their sum changes with either of them and never comes back.
      const sequence = own.sequence + jwt.sequence;
      if (bundle?.sequence !== sequence)
        bundle = { ...own, jwtAuthorities: jwt.authorities(), sequence, refreshHintSeconds: REFRESH_HINT_SECONDS };
      return bundle;
    },
  };
}

/** Prepares and retires keys when that is due, whether anybody asks for tokens or not. */
class KeyKeeper {
  readonly #jwt: JwtAuthorities;
  readonly #options: JwtKeysOptions;
  #timer: Timer | undefined;
  #running = false;
  #stopped = false;

  constructor(jwt: JwtAuthorities, options: JwtKeysOptions) {
    this.#jwt = jwt;
    this.#options = options;
    // An operator's rotation sets other times.
    jwt.onChanged(() => {
      if (!this.#running && !this.#stopped) this.run();
    });
  }

  run(): void {
    const { clock, log } = this.#options;
    this.#timer?.cancel();
    this.#running = true;
    const done = this.#jwt.keepCurrent().finally(() => (this.#running = false));
    void done.then(
      (due) => this.#plan(Math.min(Math.max(due - clock.now(), 1), LONGEST_WAIT_MS)),
      (error: unknown) => {
        if (this.#stopped) return;
        log.error({ error }, 'the keys of JWT-SVIDs could not be kept current');
        this.#plan(RETRY_MS);
      },
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #plan(delayMs: number): void {
    if (!this.#stopped) this.#timer = this.#options.clock.after(delayMs, () => this.run());
  }
}

/** OpenID Connect Discovery 1.0 §3: https, no query and no fragment; relying parties compare it letter by letter. */
function checkIssuer(issuer: string): void {
  const { protocol, username, password } = URL.parse(issuer) ?? {};
  const isSound = protocol === 'https:' && username === '' && password === '';
  if (isSound && !/[?#]|\/$/.test(issuer)) return;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `the JWT issuer ${JSON.stringify(issuer)} must be an https URL without user, query, fragment and "/" at its end, such as https://id.example.org`,
  );
}
