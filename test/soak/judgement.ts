import type { Outcome } from './flow.ts';

/** A stretch of time in which every data plane is known to enforce one and the same state of the door. */
export interface DoorStretch {
  readonly isOpen: boolean;
  readonly from: number;
  /** Undefined while it lasts. */
  to: number | undefined;
}

/** An instance that was ended without a word; what it was answering at that moment is lost. */
export interface Casualty {
  readonly service: string;
  readonly at: number;
  /** When its process was gone; undefined before. */
  goneAt: number | undefined;
}

/** A denied request may end in any way but one: its connection may be closed when policies change. */
export type Verdict = 'as it should be' | 'turned away' | 'excused' | 'failed' | 'breach';

/** For requests on their way to a process that is gone. */
const DYING_MS = 250;
/** How long an instance is registered without its process. */
const LEASE_MS = 10_000;
/** Customers who connect at the same moment are refused together. */
const AT_ONCE_MS = 50;

/** What happened to the mesh in the meantime, by which outcomes are judged. */
export class Judgement {
  readonly door: DoorStretch[] = [];
  readonly casualties: Casualty[] = [];
  /** When the callers of a flow were refused at what was left of an instance. */
  readonly #found = new Map<Casualty, Map<string, number>>();

  /** From now on nobody can tell whether the door is open. */
  doorMoves(now: number): void {
    const last = this.door.at(-1);
    if (last !== undefined) last.to ??= now;
  }

  doorIs(isOpen: boolean, now: number): void {
    this.door.push({ isOpen, from: now, to: undefined });
  }

  verdictOn(outcome: Outcome): Verdict {
    const right = this.#rightOf(outcome);
    const { code } = outcome;
    if (right === 'denied' && code === 'passed') return 'breach';
    const isDenial = code === 'denied' || (code === 'closed' && outcome.flow.host !== undefined);
    const isExpected = right === 'either' || (right === 'allowed' ? code === 'passed' : isDenial);
    if (isExpected) return 'as it should be';
    if (right === 'denied') return 'turned away';
    return this.#isExcused(outcome) ? 'excused' : 'failed';
  }

  #rightOf({ flow, began, ended }: Outcome): 'allowed' | 'denied' | 'either' {
    if (flow.right !== 'door') return flow.right;
    const stretch = this.door.find(({ from, to }) => from <= began && (to === undefined || ended < to));
    if (stretch === undefined) return 'either';
    return stretch.isOpen ? 'allowed' : 'denied';
  }

  /**
   * Nobody can finish what was under way in a process that is gone. A caller without a sidecar learns of it when it is refused
   * there, as it would without a mesh: once.
   */
  #isExcused(outcome: Outcome): boolean {
    const { flow, began, ended, code } = outcome;
    if (code === 'passed' || code === 'denied') return false;
    return this.casualties.some(
      (casualty) =>
        casualty.service === flow.service &&
        ((began <= (casualty.goneAt ?? Number.POSITIVE_INFINITY) + DYING_MS && ended >= casualty.at) ||
          this.#isDiscovery(casualty, outcome)),
    );
  }

  #isDiscovery(casualty: Casualty, { flow, began, code }: Outcome): boolean {
    if (flow.proxy !== undefined || !/ connect E/.test(code)) return false;
    if (began < casualty.at || began > casualty.at + LEASE_MS) return false;
    const found = this.#found.get(casualty) ?? new Map<string, number>();
    this.#found.set(casualty, found);
    const first = found.get(flow.name) ?? began;
    found.set(flow.name, first);
    return began <= first + AT_ONCE_MS;
  }
}
