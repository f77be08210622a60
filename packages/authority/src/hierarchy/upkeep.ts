import { RampartError } from '@rampart/core';
import type { AuthoritySet } from './authority-set.ts';
import { type HeldAuthority, isPublished, isValidAt } from './held-authority.ts';
import { knownAt, rootRotationOf, rotationOf } from './rotation-rule.ts';
import type { HierarchyOptions } from './signing-authority.ts';

/** What upkeep may do. Each is durable and on record when it resolves. */
export interface UpkeepSteps {
  prepare(kind: 'root' | 'intermediate', reason: string): Promise<HeldAuthority>;
  activate(next: HeldAuthority, reason: string): Promise<void>;
  retire(held: HeldAuthority, reason: string): Promise<void>;
  failed(step: string, reason: string): Promise<void>;
}

const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 3600 * 1000;
/** A clock that jumps ahead and back must not have ended anything for good. */
const GRACE_MS = 24 * 3600 * 1000;

/** Does by itself what the rules of rotation ask for. Run it often: it acts only when something is due. */
export class Upkeep {
  readonly #options: HierarchyOptions;
  readonly #set: AuthoritySet;
  readonly #steps: UpkeepSteps;
  /** Serial → last end of a leaf, as far as it is known. */
  readonly #leafEnds = new Map<string, number>();
  /** Serial → when it was first seen to be over. */
  readonly #overSince = new Map<string, number>();
  #failure: Error | undefined;
  #retryAt = 0;
  #retryMs = FIRST_RETRY_MS;

  constructor(options: HierarchyOptions, set: AuthoritySet, steps: UpkeepSteps) {
    this.#options = options;
    this.#set = set;
    this.#steps = steps;
  }

  /** Why the last run could not do what was due; undefined when it could. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Never throws. While something fails it is tried again later and later, unless nothing can sign at all. */
  async run(): Promise<void> {
    const now = this.#now;
    // After a jump back of the clock the moment of the next attempt lies far ahead.
    const waits = this.#failure !== undefined && now < this.#retryAt && now > this.#retryAt - LONGEST_RETRY_MS;
    if (waits && this.#signing !== undefined) return;
    try {
      await this.#ensureSigning();
      await this.#rotateRoot();
      await this.#rotateIntermediate();
      await this.#retireOver();
      this.#failure = undefined;
      this.#retryMs = FIRST_RETRY_MS;
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error('unexpected failure', { cause: error });
      this.#retryAt = now + this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
      const reason = error instanceof RampartError ? error.message : 'unexpected failure';
      // A record that cannot be written either is told by whoever needs one next.
      await this.#steps.failed('rotation', reason).catch(() => undefined);
    }
  }

  /** At the first run, when an intermediate has ended unreplaced, and when the clock has jumped out of its validity. */
  async #ensureSigning(): Promise<void> {
    if (this.#signing !== undefined) return;
    const ready = [...this.#set.inState('intermediate', 'prepared'), ...this.#set.inState('intermediate', 'old')];
    const usable = ready.filter((held) => held.signer !== undefined && isValidAt(held, this.#now));
    const next = usable.find((held) => this.#isKnown(this.#set.rootOf(held)));
    const reason = 'no other intermediate is valid now';
    const made = (): Promise<HeldAuthority> =>
      this.#prepareIntermediate(reason).catch((error: unknown) => {
        if (usable[0] !== undefined) return usable[0];
        throw error;
      });
    await this.#steps.activate(next ?? (await made()), reason);
  }

  async #rotateRoot(): Promise<void> {
    const active = this.#set.active('root');
    const { upstream, lifetimes } = this.#options;
    if (active === undefined || (upstream.kind !== 'own' && upstream.kind !== 'root')) return;
    const due = rootRotationOf(active.record, lifetimes);
    const waiting = this.#set.inState('root', 'prepared').find(({ signer }) => signer !== undefined);
    if (waiting === undefined) {
      // Whoever let a root that is kept elsewhere sign decides what comes after it.
      const isOurs = upstream.kind === 'own' && active.signer !== undefined;
      if (isOurs && this.#now >= due.prepareAt) {
        await this.#steps.prepare('root', 'the present root comes to its end');
      }
      return;
    }
    // A root that an operator configured takes over once everybody knows it; one of our own when the last one is ending.
    const wanted = upstream.kind === 'root' || this.#now >= due.activateAt;
    if (this.#isKnown(waiting) && wanted) await this.#steps.activate(waiting, 'the present root comes to its end');
  }

  async #rotateIntermediate(): Promise<void> {
    const active = this.#set.active('intermediate');
    if (active === undefined) return;
    const due = rotationOf(active.record);
    if (this.#now < due.prepareAt) return;
    const reason = 'the present intermediate comes to its end';
    const waiting = this.#set.inState('intermediate', 'prepared').find((held) => isValidAt(held, this.#now));
    const next = waiting ?? (await this.#prepareIntermediate(reason));
    if (this.#now >= due.activateAt && this.#isKnown(this.#set.rootOf(next))) await this.#steps.activate(next, reason);
  }

  async #prepareIntermediate(reason: string): Promise<HeldAuthority> {
    const root = this.#set.active('root');
    if (root !== undefined && !isValidAt(root, this.#now)) {
      const { notBefore, notAfter, serial } = root.record;
      const span = `${new Date(notBefore).toISOString()} to ${new Date(notAfter).toISOString()}`;
      throw new RampartError(
        'IDENTITY_NOT_READY',
        `root ${serial} is valid from ${span}, not now: check the clock of this machine`,
      );
    }
    return this.#steps.prepare('intermediate', reason);
  }

  /** A root that was published only now must first be heard of. */
  #isKnown(root: HeldAuthority | undefined): boolean {
    return this.#now >= knownAt(root?.record, this.#options.lifetimes);
  }

  async #retireOver(): Promise<void> {
    for (const held of this.#set.all()) {
      const { serial, state } = held.record;
      if (!isPublished(held) || state === 'active') continue;
      const isOver = held.record.notAfter <= this.#now || (state === 'old' && (await this.#isUnused(held)));
      if (!isOver) this.#overSince.delete(serial);
      else if (this.#now >= this.#graceEnd(serial)) await this.#steps.retire(held, 'nothing that it signed is left');
    }
  }

  #graceEnd(serial: string): number {
    const since = Math.min(this.#overSince.get(serial) ?? this.#now, this.#now);
    this.#overSince.set(serial, since);
    return since + GRACE_MS;
  }

  async #isUnused(held: HeldAuthority): Promise<boolean> {
    if (held.record.kind === 'root') return this.#set.below(held).every((each) => !isPublished(each));
    const { serial, name } = held.record;
    const known = this.#leafEnds.get(serial);
    if (known !== undefined && known >= this.#now) return false;
    const end = (await this.#options.store.lastLeafEnd(name)) ?? 0;
    this.#leafEnds.set(serial, end);
    return end < this.#now;
  }

  get #signing(): HeldAuthority | undefined {
    const active = this.#set.active('intermediate');
    return active?.signer !== undefined && isValidAt(active, this.#now) ? active : undefined;
  }

  get #now(): number {
    return this.#options.clock.now();
  }
}
