import { type Authority, CrlDesk } from '@rampart/authority';
import type { Clock, Timer } from '@rampart/core';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { DocumentShelf } from '../doors/documents/public-documents.ts';
import type { Logger } from '../log.ts';

export interface CrlKeeperOptions {
  readonly authority: Pick<Authority, 'crls' | 'revocations' | 'hierarchy'>;
  readonly feed: ChangeFeed;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Lists are made a little after a revocation: first data planes are told, and several may follow each other. */
const SOON_MS = 300;
const RETRY_MS = 10_000;
/** Lists that take long to make are made the less often. */
const REST = 4;

/** Keeps revocation lists fresh: after each revocation, after each change of authorities, and well before they end. */
export class CrlKeeper {
  readonly #options: CrlKeeperOptions;
  readonly #unsubscribe: readonly (() => void)[];
  #timer: Timer | undefined;
  /** The timer is that of a revocation. */
  #isSoon = false;
  #lastTookMs = 0;
  #isOver = false;

  private constructor(options: CrlKeeperOptions) {
    this.#options = options;
    const soon = (): void => this.#planSoon();
    this.#unsubscribe = [options.authority.revocations.onRevoked(soon), options.authority.hierarchy.onChange(soon)];
  }

  /** Resolves when the first lists are there, or have failed and will be tried again. */
  static async start(options: CrlKeeperOptions): Promise<CrlKeeper> {
    const keeper = new CrlKeeper(options);
    await keeper.#refresh();
    return keeper;
  }

  /** Called often: timers do not notice when the clock jumps. */
  check(): void {
    const { authority, clock } = this.#options;
    if (!authority.crls.isCurrent(clock.now())) this.#planSoon();
  }

  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  async #refresh(): Promise<void> {
    const { authority, clock, feed, log } = this.#options;
    const begun = clock.now();
    this.#isSoon = false;
    let next = CrlDesk.refreshMs;
    try {
      await authority.crls.refresh();
    } catch (error) {
      log.error({ error }, 'not all revocation lists could be made anew');
      next = RETRY_MS;
    }
    feed.publish([{ kind: 'crl' }]);
    this.#lastTookMs = Math.max(0, clock.now() - begun);
    if (!this.#isSoon) this.#plan(next);
  }

  /** Whoever revokes again and again puts nothing off. */
  #planSoon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    // The clock may have jumped while they were made.
    this.#plan(Math.min(Math.max(SOON_MS, this.#lastTookMs * REST), CrlDesk.refreshMs));
  }

  #plan(delayMs: number): void {
    if (this.#isOver) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => void this.#refresh());
  }
}

const PATH = /^\/crl\/([0-9a-f]{1,40})\.crl$/;
/** A reader may miss a revocation for so long. */
const KEPT_SECONDS = 60;

/** `/crl/<serial of the authority>.crl`, DER (RFC 2585 §4.2 names the type). */
export function crlDocuments({ crls }: Pick<Authority, 'crls'>): DocumentShelf {
  return (path) => {
    const issuer = PATH.exec(path)?.[1];
    if (issuer === undefined) return undefined;
    const found = crls.current().find((each) => each.issuer === issuer);
    if (found === undefined)
      return 'there is no revocation list of such an authority here: "rampart ca show" lists them';
    return { type: 'application/pkix-crl', body: found.der, maxAgeSeconds: KEPT_SECONDS };
  };
}
