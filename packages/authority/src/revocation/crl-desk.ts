import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@rampart/core';
import { buildCrl, CrlLines } from '@rampart/spiffe';
import type { SigningAuthority } from '../hierarchy/held-authority.ts';
import { reasonIn } from '../revocations.ts';
import type { AuthorityStore } from '../store.ts';
import { certificatesIn } from './act.ts';
import type { RevocationStore } from './store.ts';

export interface CrlDeskOptions {
  readonly store: Pick<AuthorityStore, 'revokedCertificates'>;
  readonly acts: RevocationStore;
  readonly clock: Pick<Clock, 'now'>;
  /** The authorities whose keys are here. */
  issuers(): readonly SigningAuthority[];
  /** Resolves once revocations that are under way are on record. */
  marked(): Promise<void>;
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
/** Certificates that are read and encoded before others have their turn. */
const AT_ONCE = 500;

/** Lines by the name of the authority that issued. */
type LinesByIssuer = Map<string, CrlLines>;

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

  /** Whether the lists can be used at a time: after a jump of the clock they have ended, or are of the future. */
  isCurrent(now: number): boolean {
    return this.#current.every(({ nextUpdate }) => now < nextUpdate && nextUpdate <= now + LIFE_MS);
  }

  /**
   * Makes every list anew, in parts, so that hundreds of thousands of certificates keep nobody waiting. Rejects with what kept it
   * from that: an authority whose key is out of reach keeps its old list while that lasts, and the others get theirs.
   */
  refresh(): Promise<void> {
    const done = this.#last.then(() => this.#refresh());
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #refresh(): Promise<void> {
    const { clock, issuers, marked } = this.#options;
    await marked();
    const now = clock.now();
    const lines = await this.#lines(now - KEPT_MS);
    const lists: PublishedCrl[] = [];
    const failures: unknown[] = [];
    for (const issuer of issuers()) {
      try {
        lists.push(await this.#list(issuer, now, lines.get(issuer.commonName) ?? new CrlLines()));
      } catch (error) {
        failures.push(error);
        lists.push(...this.#current.filter((old) => old.issuer === issuer.certificate.serial && old.nextUpdate > now));
      }
      await turn();
    }
    this.#current = lists;
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} revocation lists could not be made anew`);
  }

  async #list({ certificate, signer }: SigningAuthority, now: number, revoked: CrlLines): Promise<PublishedCrl> {
    // The clock may have been set back; the number of a list never goes back.
    const number = await this.#options.acts.nextCrlNumber(now);
    const nextUpdate = Math.min(now + LIFE_MS, certificate.notAfter);
    const thisUpdate = Math.max(now - CUSHION_MS, certificate.notBefore);
    const der = await buildCrl({ issuer: certificate, number, thisUpdate, nextUpdate, revoked }, (tbs) =>
      signer.sign(tbs),
    );
    return { issuer: certificate.serial, der, number, nextUpdate };
  }

  /** What the records say, and what was revoked of certificates whose record is gone with an old database. */
  async #lines(endAfter: number): Promise<LinesByIssuer> {
    const lines: LinesByIssuer = new Map();
    await this.#addRecorded(lines, endAfter);
    for (const act of await this.#options.acts.acts()) {
      const ended = certificatesIn(act).filter(({ notAfter }) => notAfter > endAfter);
      for (let start = 0; start < ended.length; start += AT_ONCE) {
        for (const { serial, issuer } of ended.slice(start, start + AT_ONCE)) {
          const of = linesOf(lines, issuer);
          if (!of.has(serial)) of.add([{ serial, at: act.at, reason: act.reason }]);
        }
        await turn();
      }
    }
    return lines;
  }

  async #addRecorded(lines: LinesByIssuer, endAfter: number): Promise<void> {
    const { store } = this.#options;
    for (let after = 0; ;) {
      const page = await store.revokedCertificates({ endAfter, after, limit: AT_ONCE });
      const byIssuer = Map.groupBy(page, ({ issuer }) => issuer);
      for (const [issuer, revoked] of byIssuer) {
        linesOf(lines, issuer).add(revoked.map(({ serial, at, reason }) => ({ serial, at, reason: reasonIn(reason) })));
      }
      if (page.length < AT_ONCE) return;
      after = page.at(-1)?.sequence ?? after;
      await turn();
    }
  }
}

function linesOf(lines: LinesByIssuer, issuer: string): CrlLines {
  const known = lines.get(issuer) ?? new CrlLines();
  lines.set(issuer, known);
  return known;
}
