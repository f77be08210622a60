import type { Logger } from './log.ts';

/** What must be undone, in reverse order of doing: at a stop, or when a start fails half-way. */
export class Teardown {
  readonly #log: Logger;
  readonly #steps: { readonly name: string; readonly undo: () => unknown }[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  add(name: string, undo: () => unknown): void {
    this.#steps.push({ name, undo });
  }

  /** A step that fails does not keep the others from being taken. */
  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        this.#log.error({ step: step.name, error }, 'stopping a part failed');
      }
    }
  }
}
