import { fail, ok } from '@rampart/core';
import type { Clock, Random, Result, Timer } from '@rampart/core';
import { keepAppointment, renewalDelay } from '@rampart/mesh';
import type { MeshLog } from '@rampart/mesh';
import { verifyChain } from '@rampart/spiffe';
import type { TrustBundle } from '@rampart/spiffe';

import type { ChangeSignal } from '../change-signal.ts';
import type { IssuanceProblem } from '../control/issuance.ts';
import type { HostEntry } from '../entries/host-entry.ts';
import type { HostView } from '../entries/host-view.ts';
import type { WorkloadSvid } from './workload-svid.ts';

export interface X509KeeperOptions {
  readonly view: HostView;
  readonly changes: ChangeSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
  /** Most entries whose SVIDs are kept. */
  readonly limit?: number;
  /** `previous` is the SVID that the new one takes the place of. */
  issue(entry: HostEntry, previous: WorkloadSvid | undefined): Promise<Result<WorkloadSvid, IssuanceProblem>>;
  /** Another number when what failed before may succeed now. */
  epoch(): number;
}

type Outcome = Result<WorkloadSvid, IssuanceProblem>;

interface Kept {
  svid: WorkloadSvid | undefined;
  pending: Promise<Outcome> | undefined;
  failure: { readonly problem: IssuanceProblem; readonly until: number; readonly epoch: number } | undefined;
  terms: string;
  timer: Timer | undefined;
  retryMs: number;
  watchers: number;
  /** Whether anybody asked since it was issued. */
  isWanted: boolean;
}

const LIMIT = 1_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** X.509-SVIDs of the entries that workloads of this host asked for: issued on demand, then kept fresh while they are wanted. */
export class X509Keeper {
  readonly #options: X509KeeperOptions;
  /** Asked for longest ago first. */
  readonly #kept = new Map<string, Kept>();
  /** By which bundle it was found good. */
  readonly #verified = new WeakMap<WorkloadSvid, TrustBundle>();
  /** Version of the changes at which entries that are gone were last looked for. */
  #looked = -1;
  #stopped = false;

  constructor(options: X509KeeperOptions) {
    this.#options = options;
  }

  /** The current SVID of an entry, issued now when there is none. */
  async get(entry: HostEntry): Promise<Outcome> {
    this.#forgetGone();
    const kept = this.#touch(entry);
    if (kept === undefined) {
      return fail({ kind: 'unavailable', message: 'this agent keeps as many SVIDs as it may; try again later' });
    }
    kept.isWanted = true;
    const usable = kept.svid !== undefined && this.#isUsable(kept.svid, entry) ? kept.svid : undefined;
    if (usable !== undefined && !this.#options.view.isTainted(usable)) return ok(usable);
    if (usable === undefined) kept.svid = undefined;
    const failed = this.#freshFailure(kept, entry);
    const outcome = failed === undefined ? await this.#issue(entry, kept) : fail(failed);
    return usable !== undefined && !outcome.ok && this.#isUsable(usable, entry) ? ok(usable) : outcome;
  }

  /** The SVID of an entry that `get` would give now without asking for another one. */
  peek(entry: HostEntry): WorkloadSvid | undefined {
    const svid = this.#kept.get(entry.id)?.svid;
    const isGood = svid !== undefined && this.#isUsable(svid, entry) && !this.#options.view.isTainted(svid);
    return isGood ? svid : undefined;
  }

  /** Why there is none, if it is not to be asked for again yet. */
  #freshFailure({ failure, terms }: Kept, entry: HostEntry): IssuanceProblem | undefined {
    const { clock, epoch } = this.#options;
    const isFresh = failure?.epoch === epoch() && terms === entry.terms && clock.now() < failure.until;
    return isFresh ? failure.problem : undefined;
  }

  /** Keeps the SVID of an entry fresh for somebody who listens, until the returned function is called. */
  watch(entry: HostEntry): () => void {
    const kept = this.#touch(entry);
    if (kept === undefined) return () => undefined;
    kept.watchers += 1;
    return () => {
      kept.watchers -= 1;
    };
  }

  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#kept.values()) timer?.cancel();
    this.#kept.clear();
  }

  #isUsable(svid: WorkloadSvid, entry: HostEntry): boolean {
    const { view, clock } = this.#options;
    return svid.terms === entry.terms && clock.now() < svid.notAfter && !view.isRevoked(svid) && this.#isTrusted(svid);
  }

  /** An SVID of an authority that was taken out of the bundle convinces nobody. */
  #isTrusted(svid: WorkloadSvid): boolean {
    const { view, clock } = this.#options;
    const bundle = view.bundle(svid.spiffeId.trustDomain.name);
    if (bundle === undefined || this.#verified.get(svid) === bundle) return bundle !== undefined;
    // A host whose clock is behind is not left without identities: others go by their own clocks.
    const at = Math.max(clock.now(), svid.notBefore);
    const isTrusted = verifyChain(svid.chain, bundle.roots, at).ok;
    if (isTrusted) this.#verified.set(svid, bundle);
    return isTrusted;
  }

  /** Nobody needs the keys of entries that are no more. */
  #forgetGone(): void {
    const { version } = this.#options.changes;
    if (this.#looked === version) return;
    this.#looked = version;
    for (const [id, kept] of this.#kept) {
      if (this.#options.view.entry(id) === undefined) this.#forget(id, kept);
    }
  }

  #forget(id: string, kept: Kept): void {
    kept.timer?.cancel();
    if (this.#kept.get(id) === kept) this.#kept.delete(id);
  }

  #touch({ id, terms }: HostEntry): Kept | undefined {
    const known = this.#kept.get(id);
    if (known !== undefined) {
      this.#kept.delete(id);
      this.#kept.set(id, known);
      return known;
    }
    if (this.#kept.size >= (this.#options.limit ?? LIMIT)) {
      const idle = [...this.#kept].find(([, { watchers, pending }]) => watchers === 0 && pending === undefined);
      if (idle === undefined) return undefined;
      this.#forget(...idle);
    }
    const kept: Kept = {
      svid: undefined,
      pending: undefined,
      failure: undefined,
      terms,
      timer: undefined,
      retryMs: FIRST_RETRY_MS,
      watchers: 0,
      isWanted: true,
    };
    this.#kept.set(id, kept);
    return kept;
  }

  /** One request at a time for each form of an entry, however many ask. */
  async #issue(entry: HostEntry, kept: Kept): Promise<Outcome> {
    if (kept.pending !== undefined && kept.terms === entry.terms) return kept.pending;
    kept.terms = entry.terms;
    const pending = this.#options.issue(entry, kept.svid).then((issued) => {
      const outcome = this.#judged(issued, entry);
      if (kept.pending === pending) {
        kept.pending = undefined;
        if (!this.#stopped && this.#kept.get(entry.id) === kept) this.#take(entry, kept, outcome);
      }
      return outcome;
    });
    kept.pending = pending;
    return pending;
  }

  /** What is issued and convinces nobody, such as by an authority not heard of yet, is asked for again later, not at once. */
  #judged(issued: Outcome, entry: HostEntry): Outcome {
    if (!issued.ok || this.#isUsable(issued.value, entry)) return issued;
    const isOver = this.#options.clock.now() >= issued.value.notAfter;
    const message = isOver
      ? 'the SVID that was issued is over by the clock of this host, which is ahead: set it'
      : 'the SVID that was issued is revoked, or not of the trust bundle';
    return fail({ kind: 'unavailable', message });
  }

  #take(entry: HostEntry, kept: Kept, outcome: Outcome): void {
    const { clock, random, changes, log, epoch } = this.#options;
    if (outcome.ok) {
      kept.svid = outcome.value;
      kept.failure = this.#stillTainted(outcome.value);
      kept.retryMs = FIRST_RETRY_MS;
      kept.isWanted = false;
      this.#later(entry.id, kept, renewalDelay(outcome.value, clock.now(), random));
      changes.notify();
      return;
    }
    log.warn('no SVID for an entry, trying again', { entry: entry.id, reason: outcome.problem.message });
    const left = kept.svid === undefined ? LONGEST_RETRY_MS : (kept.svid.notAfter - clock.now()) / 4;
    const delay = Math.min(kept.retryMs, Math.max(left, FIRST_RETRY_MS));
    kept.retryMs = Math.min(kept.retryMs * 2, LONGEST_RETRY_MS);
    kept.failure = { problem: outcome.problem, until: clock.now() + delay, epoch: epoch() };
    if (kept.svid !== undefined || kept.watchers > 0) this.#later(entry.id, kept, delay);
  }

  /** A control plane that gives what it said to replace is not asked for more in a loop. */
  #stillTainted(svid: WorkloadSvid): Kept['failure'] {
    const { view, clock, epoch } = this.#options;
    if (!view.isTainted(svid)) return undefined;
    const problem = { kind: 'unavailable', message: 'the SVID that was issued is of a tainted authority' } as const;
    return { problem, until: clock.now() + LONGEST_RETRY_MS, epoch: epoch() };
  }

  #later(id: string, kept: Kept, delay: number): void {
    const { clock } = this.#options;
    kept.timer?.cancel();
    const appointment = { at: clock.now() + delay, certificate: kept.svid };
    kept.timer = keepAppointment(clock, appointment, () => this.#renew(id, kept));
  }

  #renew(id: string, kept: Kept): void {
    const { view, clock, changes } = this.#options;
    const entry = view.entry(id);
    const isWanted = kept.isWanted || kept.watchers > 0;
    if (entry === undefined) {
      this.#forget(id, kept);
      changes.notify();
    } else if (isWanted) {
      // Who listens is told of the end of an SVID even if there is no other.
      if (kept.svid !== undefined && clock.now() >= kept.svid.notAfter) {
        kept.svid = undefined;
        changes.notify();
      }
      void this.#issue(entry, kept);
    } else {
      // Nobody asked for it through half of its life: it may end.
      const end = { at: kept.svid?.notAfter ?? 0, certificate: kept.svid };
      kept.timer = keepAppointment(clock, end, () => this.#forget(id, kept));
    }
  }
}
