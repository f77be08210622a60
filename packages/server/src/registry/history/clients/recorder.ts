import type { ControlPlane } from '../../../control-plane.ts';
import { type ApiClient, connectAsAdmin } from '../../../testing/workload-client.ts';
import {
  type Failure,
  type Look,
  monotonicNow,
  type Observations,
  type Streamed,
  type Write,
} from '../observations.ts';
import { missedSomething, type WatchSession } from '../watched.ts';

/** A control plane that can be called. */
export interface Reach {
  readonly run: number;
  readonly plane: ControlPlane;
}

/** Who hears meanwhile how far the callers are. */
export interface RecorderListener {
  answered(count: number): void;
  /** A watch of everything came back, and was told what had changed while it was away. */
  missed(): void;
}

/** Answers between two words to whoever counts them. */
const REPORT_EVERY = 5;

/** What the callers of one process share: where the control plane is now, and what they saw. */
export class Recorder {
  readonly #writes: Write[] = [];
  readonly #looks: Look[] = [];
  readonly #sessions: WatchSession[] = [];
  readonly #streamed: Streamed[] = [];
  readonly #failures: Failure[] = [];
  readonly #listener: RecorderListener;
  readonly #waiting = new Set<() => void>();
  #unreported = 0;
  #reach: Reach | undefined;
  #client: ApiClient | undefined;
  readonly #over = new AbortController();

  constructor(listener: RecorderListener) {
    this.#listener = listener;
  }

  /** Aborted when nobody is to call any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** A control plane serves. */
  use(reach: Reach): void {
    this.#client?.close();
    this.#client = undefined;
    this.#reach = reach;
    this.#wake();
  }

  /** Nobody calls any more. */
  end(): void {
    this.#over.abort();
    this.#wake();
  }

  /** The API over the one connection of this process, while it is up. */
  client({ run, plane }: Reach): ApiClient {
    if (run !== this.#reach?.run) throw new Error('the control plane is gone');
    this.#client ??= connectAsAdmin(plane);
    return this.#client;
  }

  /** Lets go of the control plane. */
  close(): void {
    this.#client?.close();
  }

  /** Does something again and again with each control plane until that is gone. `open` may fail, too. */
  async withEach(by: string, work: (reach: Reach) => Promise<void>): Promise<void> {
    for (let next = await this.#after(-1); next !== undefined; next = await this.#after(next.run)) {
      try {
        await work(next);
      } catch (error) {
        if (!this.over.aborted) this.fail(by, next.run, error);
      }
    }
  }

  /** A write, whatever becomes of it; `sent` has the action as it is when nobody answers. */
  async write(
    sent: Pick<Write, 'by' | 'run' | 'instanceId' | 'action'>,
    send: () => Promise<Pick<Write, 'action' | 'revision'>>,
  ): Promise<void> {
    const from = monotonicNow();
    try {
      const answer = await send();
      this.#writes.push({ ...sent, ...answer, from, to: monotonicNow() });
    } catch (error) {
      this.#writes.push({ ...sent, from });
      throw error;
    }
    this.#count();
  }

  look(look: Omit<Look, 'to'>): void {
    this.#looks.push({ ...look, to: monotonicNow() });
    this.#count();
  }

  session(session: WatchSession): void {
    this.#sessions.push(session);
    if (missedSomething(session)) this.#listener.missed();
  }

  streamed(streamed: Streamed): void {
    this.#streamed.push(streamed);
  }

  fail(by: string, run: number, error: unknown): void {
    this.#failures.push({ by, run, at: monotonicNow(), text: String(error) });
  }

  observations(): Observations {
    return {
      writes: this.#writes,
      looks: this.#looks,
      sessions: this.#sessions,
      streamed: this.#streamed,
      failures: this.#failures,
    };
  }

  async #after(run: number): Promise<Reach | undefined> {
    while (!this.over.aborted && (this.#reach === undefined || this.#reach.run <= run)) {
      await new Promise<void>((resolve) => void this.#waiting.add(resolve));
    }
    return this.over.aborted ? undefined : this.#reach;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #count(): void {
    this.#unreported += 1;
    if (this.#unreported < REPORT_EVERY) return;
    this.#listener.answered(this.#unreported);
    this.#unreported = 0;
  }
}
