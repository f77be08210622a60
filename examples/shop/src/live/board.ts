import type { Screen } from '../world.ts';

const CLEAR_LINE = '\r\u001b[2K';

/** Lines that scroll, and on a terminal one status line below them that is updated in place. */
export class Board {
  readonly #screen: Screen;
  #status = '';

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  line(text: string): void {
    this.#screen.write(this.#screen.isTerminal ? `${CLEAR_LINE}${text}\n${this.#fitted()}` : `${text}\n`);
  }

  /** Replaces the status line; where nothing can be replaced it is left out. */
  status(text: string): void {
    if (!this.#screen.isTerminal || text === this.#status) return;
    this.#status = text;
    this.#screen.write(`${CLEAR_LINE}${this.#fitted()}`);
  }

  /** Ends the status line, so that what follows starts on a line of its own. */
  close(): void {
    if (this.#status === '') return;
    this.#screen.write('\n');
    this.#status = '';
  }

  // A status longer than the line would wrap and could not be taken back.
  #fitted(): string {
    return this.#status.slice(0, Math.max(0, this.#screen.columns() - 1));
  }
}
