import type { Clock } from '@rampart/core';
import { buildCrl, type RevokedCertificate } from '@rampart/spiffe';
import type { SigningAuthority } from '../hierarchy/held-authority.ts';
import { reasonIn } from '../revocations.ts';
import type { AuthorityStore } from '../store.ts';
import type { RevocationStore } from './store.ts';

export interface CrlDeskOptions {
  readonly store: Pick<AuthorityStore, 'revokedCertificates'>;
  readonly acts: RevocationStore;
  readonly clock: Pick<Clock, 'now'>;
  /** The authorities whose keys are here. */
  issuers(): readonly SigningAuthority[];
  /** Resolves once revocations that are under way are on record. */
  settled(): Promise<void>;
}

/** A revocation list that relying parties may have. Times are Unix milliseconds. */
export interface PublishedCrl {
  /** Serial of the authority that signed it, lower-case hex. */
  readonly issuer: string;
  readonly der: Uint8Array;
  readonly number: number;
  readonly nextUpdate: number;
}

const HOUR_MS = 3_600_000;
/** A reader that did not hear of a newer list must ask again after this. */
const LIFE_MS = HOUR_MS;
/** For readers whose clock is behind. */
const CUSHION_MS = 10_000;
/** A certificate stands on one list at least that was made after its end (RFC 5280 §5.1.2.6 and §3.3). */
const KEPT_MS = 2 * LIFE_MS;

/** The revocation lists of this authority: one for each of its certificates that sign, complete, signed by that. */
export class CrlDesk {
  /** New lists are due after this, Unix milliseconds since the last. */
  static readonly refreshMs: number = LIFE_MS / 2;
  readonly #options: CrlDeskOptions;
  #current: readonly PublishedCrl[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: CrlDeskOptions) {
    this.#options = options;
  }

  /** The same list while nothing is new. */
  current(): readonly PublishedCrl[] {
    return this.#current;
  }

  /** Makes every list anew. Rejects with what kept it from that; the old ones stay then. */
  refresh(): Promise<void> {
    const done = this.#last.then(() => this.#refresh());
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #refresh(): Promise<void> {
    const { acts, clock, issuers, settled } = this.#options;
    await settled();
    const now = clock.now();
    const revoked = await this.#revokedByIssuer(now - KEPT_MS);
    const lists: PublishedCrl[] = [];
    for (const { commonName, certificate, signer } of issuers()) {
      // The clock may have been set back; the number of a list never goes back.
      const number = await acts.nextCrlNumber(now);
      const nextUpdate = Math.min(now + LIFE_MS, certificate.notAfter);
      const der = await buildCrl(
        {
          issuer: certificate,
          number,
          thisUpdate: Math.max(now - CUSHION_MS, certificate.notBefore),
          nextUpdate,
          revoked: [...(revoked.get(commonName)?.values() ?? [])],
        },
        (tbs) => signer.sign(tbs),
      );
      lists.push({ issuer: certificate.serial, der, number, nextUpdate });
    }
    this.#current = lists;
  }

  /** What the records say, and what was revoked of certificates whose record is gone with an old database. */
  async #revokedByIssuer(endedAfter: number): Promise<ReadonlyMap<string, ReadonlyMap<string, RevokedCertificate>>> {
    const { store, acts } = this.#options;
    const byIssuer = new Map<string, Map<string, RevokedCertificate>>();
    const add = (issuer: string, certificate: RevokedCertificate): void => {
      const lines = byIssuer.get(issuer) ?? new Map<string, RevokedCertificate>();
      byIssuer.set(issuer, lines);
      if (!lines.has(certificate.serial)) lines.set(certificate.serial, certificate);
    };
    for (const { serial, issuer, revocation } of await store.revokedCertificates(endedAfter)) {
      if (revocation !== undefined) add(issuer, { serial, at: revocation.at, reason: reasonIn(revocation.reason) });
    }
    for (const act of await acts.acts()) {
      if (act.kind === 'lift') continue;
      for (const { serial, issuer, notAfter } of act.certificates) {
        if (notAfter > endedAfter) add(issuer, { serial, at: act.at, reason: act.reason });
      }
    }
    return byIssuer;
  }
}
