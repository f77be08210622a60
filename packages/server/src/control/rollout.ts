import type { Clock } from '@rampart/core';
import type { DataPlanes } from './data-planes.ts';
import type { Session } from './session.ts';

/** How far a revision has come. */
export interface Rollout {
  /** Data planes that enforce it. */
  readonly taken: number;
  readonly dataPlanes: number;
  readonly lagging: readonly LaggingPlane[];
}

export interface LaggingPlane {
  readonly spiffeId: string;
  readonly dataPlaneId: string;
  readonly ackedRevision: number;
  /** Why it cannot; "" when it has only not said so yet. */
  readonly problem: string;
}

export interface RolloutQuestion {
  readonly revision: number;
  /** Milliseconds; 0 answers once. */
  readonly timeoutMs: number;
  /** Aborted when nobody listens any more. */
  readonly signal: AbortSignal;
}

const NAMED = 20;

/** Tells how far a revision has come, again whenever that changes, until every data plane enforces it or has said that it cannot, or the time is over. */
export async function* followRollout(
  planes: DataPlanes,
  clock: Clock,
  { revision, timeoutMs, signal }: RolloutQuestion,
): AsyncGenerator<Rollout> {
  const bell = new Bell();
  const over = timeoutMs === 0;
  const timer = over ? undefined : clock.after(timeoutMs, () => bell.end());
  const gone = (): void => bell.end();
  const stop = planes.watch(() => bell.ring());
  signal.addEventListener('abort', gone);
  try {
    let told: Rollout | undefined;
    do {
      const now = rolloutOf(planes.sessions, revision);
      if (told === undefined || !alike(told, now)) {
        yield now;
        told = now;
      }
      if (over || now.taken === now.dataPlanes || isSettled(planes.sessions, revision)) {
        return;
      }
    } while (await bell.rung());
  } finally {
    stop();
    timer?.cancel();
    signal.removeEventListener('abort', gone);
  }
}

/** Whether every data plane has said what it makes of a revision: more is not to be expected. */
function isSettled(sessions: readonly Session[], revision: number): boolean {
  return sessions.every((session) => session.ackedRevision >= revision);
}

/** A data plane that denies everything because it cannot enforce a policy has not taken it. */
function rolloutOf(sessions: readonly Session[], revision: number): Rollout {
  const lagging = sessions.filter((session) => session.ackedRevision < revision || session.refusal !== '');
  return {
    taken: sessions.length - lagging.length,
    dataPlanes: sessions.length,
    lagging: lagging.slice(0, NAMED).map((session) => ({
      spiffeId: session.options.peer.id.toString(),
      dataPlaneId: session.options.hello.dataPlaneId,
      ackedRevision: session.ackedRevision,
      problem: session.refusal,
    })),
  };
}

function alike(one: Rollout, other: Rollout): boolean {
  return (
    one.taken === other.taken &&
    one.dataPlanes === other.dataPlanes &&
    one.lagging.every(({ problem }, index) => problem === other.lagging[index]?.problem)
  );
}

/** Rung any number of times while nobody waits, it is heard once. */
class Bell {
  #isRung = false;
  #isOver = false;
  #wake: () => void = () => undefined;

  ring(): void {
    this.#isRung = true;
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** False when it will not be rung any more. */
  async rung(): Promise<boolean> {
    if (!this.#isRung && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#isRung = false;
    return !this.#isOver;
  }
}
