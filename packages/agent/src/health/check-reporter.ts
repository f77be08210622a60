import type { Clock, Timer } from '@rampart/core';
import type { CheckStatus } from '@rampart/registry/health';
import type { HostCheckReport } from '@rampart/wire/agent';

/** What a check says, and whether the control plane has heard it. */
interface Said {
  readonly instanceId: string;
  readonly checkId: string;
  readonly status: CheckStatus;
  readonly output: string;
  readonly isHeard: boolean;
}

export interface CheckReporterOptions {
  readonly clock: Clock;
  /** Rejects when the control plane could not be told. */
  send(reports: HostCheckReport[]): Promise<void>;
  failed(error: unknown): void;
}

/** Everything is said again after this, so that the control plane knows that it still holds. */
const ROUND_MS = 10_000;
/** After a call that failed. */
const RETRY_MS = 1000;
/** What changes together is told together. */
const SOON_MS = 100;
const MOST_REPORTS = 500;
/** Bytes of output in one call. */
const MOST_OUTPUT = 256 * 1024;

/** Tells the control plane what checks say: changes soon, everything each round. Costs nothing while there is nothing to say. */
export class CheckReporter {
  readonly #options: CheckReporterOptions;
  readonly #said = new Map<string, Said>();
  #timer: { readonly at: number; readonly timer: Timer } | undefined;
  #lastRound = Number.NEGATIVE_INFINITY;
  #isSending = false;
  #stopped = false;

  constructor(options: CheckReporterOptions) {
    this.#options = options;
  }

  say(said: Omit<Said, 'isHeard'>): void {
    const key = keyOf(said);
    const before = this.#said.get(key);
    if (before?.status === said.status && before.output === said.output) return;
    this.#said.set(key, { ...said, isHeard: false });
    this.#after(SOON_MS);
  }

  forget({ instanceId, checkId }: Pick<Said, 'instanceId' | 'checkId'>): void {
    this.#said.delete(keyOf({ instanceId, checkId }));
  }

  /** The control plane may know nothing of what it was told. */
  repeat(): void {
    for (const [key, said] of this.#said) this.#said.set(key, { ...said, isHeard: false });
    if (this.#said.size > 0) this.#after(SOON_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.timer.cancel();
  }

  #after(milliseconds: number): void {
    if (this.#stopped || this.#isSending) return;
    const { clock } = this.#options;
    const at = clock.now() + milliseconds;
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.#timer?.timer.cancel();
    this.#timer = { at, timer: clock.after(milliseconds, () => void this.#flush()) };
  }

  async #flush(): Promise<void> {
    const { clock, failed } = this.#options;
    this.#timer = undefined;
    this.#isSending = true;
    const isRound = clock.now() - this.#lastRound >= ROUND_MS;
    if (isRound) this.#lastRound = clock.now();
    let wentWell = true;
    try {
      await this.#sendAll([...this.#said.values()].filter(({ isHeard }) => isRound || !isHeard));
    } catch (error) {
      wentWell = false;
      failed(error);
    }
    this.#isSending = false;
    if (this.#said.size === 0) return;
    const hasNews = this.#said.values().some(({ isHeard }) => !isHeard);
    if (!hasNews) this.#after(Math.max(SOON_MS, this.#lastRound + ROUND_MS - clock.now()));
    else this.#after(wentWell ? SOON_MS : RETRY_MS);
  }

  async #sendAll(all: readonly Said[]): Promise<void> {
    for (let from = 0; from < all.length && !this.#stopped;) {
      const batch = batchOf(all, from);
      from += batch.length;
      await this.#options.send(batch.map(reportOf));
      for (const said of batch) {
        const key = keyOf(said);
        if (this.#said.get(key) === said) this.#said.set(key, { ...said, isHeard: true });
      }
    }
  }
}

function batchOf(all: readonly Said[], from: number): readonly Said[] {
  let bytes = 0;
  let end = from;
  while (end < all.length && end - from < MOST_REPORTS && bytes < MOST_OUTPUT) {
    const said = all[end];
    bytes += said?.isHeard === false ? Buffer.byteLength(said.output) : 0;
    end += 1;
  }
  return all.slice(from, end);
}

function reportOf({ instanceId, checkId, status, output, isHeard }: Said): HostCheckReport {
  return { instanceId, checkId, status, output: isHeard ? undefined : output };
}

function keyOf({ instanceId, checkId }: Pick<Said, 'instanceId' | 'checkId'>): string {
  return `${instanceId} ${checkId}`;
}
