import type { Statement } from './statement.ts';

/** What became of one write: `refused` says which expectation was not met, `failed` what the engine said. */
export type WriteOutcome = 'done' | { readonly refused: string } | { readonly failed: string };

/** Commits writes beside the event loop, which goes on meanwhile. */
export interface Committer {
  /**
   * One transaction: each write takes effect as a whole or not at all, in their order. Resolves once that survives the loss of power, with
   * an outcome for each write. Rejects when nothing of it took effect, or when nobody can say. One call at a time.
   */
  commit(writes: readonly (readonly Statement[])[]): Promise<readonly WriteOutcome[]>;
  close(): Promise<void>;
}
