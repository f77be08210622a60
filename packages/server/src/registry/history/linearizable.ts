/** One call of one caller, and when it was under way, by a clock that all callers share. */
export interface Operation<Action> {
  readonly action: Action;
  /** Who called. */
  readonly by: string;
  /** Before it was sent. */
  readonly from: number;
  /** After it was answered, or when it could no longer come about. */
  readonly to: number;
  /**
   * `answered`: it came about, between `from` and `to`. `unknown`: so it did, or never. `due`: nobody asks for it; it came about by
   * `to` unless it was impossible then.
   */
  readonly outcome: 'answered' | 'unknown' | 'due';
}

/** What a thing does when nothing is done at the same time. */
export interface Model<State, Action> {
  readonly initial: State;
  /**
   * The state after it; undefined when it cannot have happened in this state. The very same object only for what changes no state at
   * all: a look.
   */
  step(state: State, action: Action): State | undefined;
  /** The same for states that are the same. */
  nameOf(state: State): string;
}

/** Why no order explains a history. */
export interface Contradiction<Action> {
  /** The first operation for which there is no place. */
  readonly operation: Operation<Action>;
  /** What else was under way when it was answered. */
  readonly beside: readonly Operation<Action>[];
  /** States that were possible before it. */
  readonly states: readonly string[];
}

/** A state that is possible now, and which of the operations under way have come about in it. */
interface Possibility<State> {
  readonly state: State;
  readonly done: readonly number[];
}

/**
 * Looks for an order of the operations in which each takes effect at one moment between its call and its answer, as the model says
 * (linearizability, Herlihy and Wing). Goes through calls and answers in the order of time and keeps every possible state, taking the
 * effect of an operation only when an answer demands it (Wing and Gong's search as Lowe and Knossos have it). Whoever has several
 * independent things checks each by itself: a history is linearizable when those of its parts are.
 *
 * @returns undefined when there is such an order.
 */
export function contradictionIn<State, Action>(
  operations: readonly Operation<Action>[],
  model: Model<State, Action>,
): Contradiction<Action> | undefined {
  const search = new Search(operations, model);
  for (const { index, isCall } of momentsOf(operations)) {
    if (isCall) search.call(index);
    else {
      const contradiction = search.answer(index);
      if (contradiction !== undefined) return contradiction;
    }
  }
  return undefined;
}

interface Moment {
  readonly at: number;
  readonly index: number;
  readonly isCall: boolean;
}

/** Of calls and answers at the same time, calls come first: nobody can say that they did not overlap. */
function momentsOf(operations: readonly Operation<unknown>[]): readonly Moment[] {
  return operations
    .flatMap(({ from, to }, index) => [
      { at: from, index, isCall: true },
      { at: to, index, isCall: false },
    ])
    .sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall));
}

class Search<State, Action> {
  readonly #operations: readonly Operation<Action>[];
  readonly #model: Model<State, Action>;
  readonly #underWay = new Set<number>();
  #possible: readonly Possibility<State>[];

  constructor(operations: readonly Operation<Action>[], model: Model<State, Action>) {
    this.#operations = operations;
    this.#model = model;
    this.#possible = [{ state: model.initial, done: [] }];
  }

  call(index: number): void {
    this.#underWay.add(index);
  }

  answer(index: number): Contradiction<Action> | undefined {
    const found = new Map<string, Possibility<State>>();
    for (const possibility of this.#possible) {
      if (possibility.done.includes(index)) this.#keep(found, without(possibility, index));
      else this.#reach(index, possibility, found);
    }
    if (found.size === 0) return this.#contradiction(index);
    this.#underWay.delete(index);
    this.#possible = [...found.values()];
    return undefined;
  }

  /** Every way in which the operation, which is over now, can have come about or not, whatever came about before it. */
  #reach(index: number, from: Possibility<State>, found: Map<string, Possibility<State>>): void {
    const operation = this.#operations[index];
    if (operation === undefined) return;
    if (operation.outcome === 'unknown') this.#keep(found, from);
    const seen = new Set<string>();
    const left = [from];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const here = this.#withIdle(next, index);
      const name = this.#nameOf(here);
      if (seen.has(name)) continue;
      seen.add(name);
      const after = this.#model.step(here.state, operation.action);
      if (after !== undefined) this.#keep(found, { ...here, state: after });
      else if (operation.outcome === 'due') this.#keep(found, here);
      // What changes nothing is possible now, and it matters to nobody what else might have come before.
      if (after !== here.state) left.push(...this.#next(here, index));
    }
  }

  /** With everything under way that can have come about without changing anything: to wait with it gains nothing. */
  #withIdle({ state, done }: Possibility<State>, index: number): Possibility<State> {
    const idle = [...this.#underWay].filter(
      (each) => each !== index && !done.includes(each) && this.#after(state, each) === state,
    );
    return idle.length === 0 ? { state, done } : { state, done: inOrder([...done, ...idle]) };
  }

  #next({ state, done }: Possibility<State>, index: number): readonly Possibility<State>[] {
    return [...this.#underWay].flatMap((each) => {
      const after = each === index || done.includes(each) ? undefined : this.#after(state, each);
      return after === undefined ? [] : { state: after, done: inOrder([...done, each]) };
    });
  }

  #after(state: State, index: number): State | undefined {
    const action = this.#operations[index]?.action;
    return action === undefined ? undefined : this.#model.step(state, action);
  }

  #keep(found: Map<string, Possibility<State>>, possibility: Possibility<State>): void {
    found.set(this.#nameOf(possibility), possibility);
  }

  #nameOf({ state, done }: Possibility<State>): string {
    return `${this.#model.nameOf(state)} ${done.join(',')}`;
  }

  #contradiction(index: number): Contradiction<Action> | undefined {
    const operation = this.#operations[index];
    if (operation === undefined) return undefined;
    return {
      operation,
      beside: [...this.#underWay].flatMap((each) => (each === index ? [] : (this.#operations[each] ?? []))),
      states: [...new Set(this.#possible.map(({ state }) => this.#model.nameOf(state)))],
    };
  }
}

function inOrder(indexes: readonly number[]): number[] {
  return indexes.toSorted((a, b) => a - b);
}

function without<State>({ state, done }: Possibility<State>, index: number): Possibility<State> {
  return { state, done: done.filter((each) => each !== index) };
}
