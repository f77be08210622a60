/** What the watch needs of a `test:enqueue` or `test:complete` event. */
interface Event {
  readonly name: string;
  readonly file?: string | undefined;
}

/** Aborts its signal once a process lives on for some time though every test that it told of has ended: something is left open. */
export class Lingering {
  readonly #over = new AbortController();
  readonly #milliseconds: number;
  #open = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  enqueued(event: Event): void {
    if (isProcess(event)) return;
    this.#open += 1;
    clearTimeout(this.#timer);
  }

  completed(event: Event): void {
    if (isProcess(event)) return this.end();
    this.#open -= 1;
    clearTimeout(this.#timer);
    if (this.#open === 0) this.#timer = setTimeout(() => this.#over.abort(), this.#milliseconds);
  }

  /** The process has ended. */
  end(): void {
    clearTimeout(this.#timer);
  }
}

/** The process of a file stands among its tests as one that bears its name. */
function isProcess({ name, file }: Event): boolean {
  return name === file;
}
