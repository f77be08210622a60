import { RampartError } from '@rampart/core';
import type { Clock } from '@rampart/core';
import type { Journal, JournalHead } from '../journal.ts';
import { verifyConsistency } from '../proofs/verification.ts';
import { checkpointText, openCheckpoint } from './checkpoint.ts';
import { signNote } from './signed-note.ts';
import type { NoteSigner } from './signed-note.ts';
import type { CheckpointStore, SignedCheckpoint } from './store.ts';
import { verifierKeyOf } from './verifier-key.ts';
import type { VerifierKey } from './verifier-key.ts';

export interface CheckpointsOptions {
  readonly journal: Pick<Journal, 'head' | 'consistency'>;
  readonly store: CheckpointStore;
  /** Ed25519. */
  readonly signer: NoteSigner;
  /** Name of the log, and of the key: "cluster.local/journal". */
  readonly origin: string;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The signed checkpoints of a journal. They only grow, and none is signed for a tree that the one before is not a beginning
 * of: whoever holds any of them can tell that nothing under it was changed, dropped or put in since.
 */
export class Checkpoints {
  /** What the signatures are verified with. */
  readonly key: VerifierKey;
  readonly #options: CheckpointsOptions;
  #latest: SignedCheckpoint | undefined;
  #signing: Promise<unknown> = Promise.resolve();

  private constructor(options: CheckpointsOptions, latest: SignedCheckpoint | undefined) {
    this.#options = options;
    this.#latest = latest;
    this.key = verifierKeyOf(options.origin, options.signer.publicKeyDer);
  }

  /** Continues from what the store holds. Throws `RampartError` INVALID_ARGUMENT for a key or an origin that cannot sign notes. */
  static async open(options: CheckpointsOptions): Promise<Checkpoints> {
    return new Checkpoints(options, await options.store.latest());
  }

  get latest(): SignedCheckpoint | undefined {
    return this.#latest;
  }

  /**
   * The checkpoint of all that is durable now: the latest one where nothing came since, else a new one, stored before it is
   * given out. Throws `RampartError` JOURNAL_INCONSISTENT when the journal is not a continuation of what was signed last.
   */
  sign(): Promise<SignedCheckpoint> {
    const signed = this.#signing.then(() => this.#sign());
    this.#signing = signed.catch(() => undefined);
    return signed;
  }

  async #sign(): Promise<SignedCheckpoint> {
    const { journal, store, signer, origin, clock } = this.#options;
    const head = journal.head;
    const latest = this.#latest;
    if (latest !== undefined) await this.#demandContinuation(latest, head);
    if (latest?.size === head.size) return latest;
    const note = await signNote(checkpointText({ origin, ...head }), origin, signer);
    const checkpoint = { ...head, at: clock.now(), note };
    await store.add(checkpoint);
    this.#latest = checkpoint;
    return checkpoint;
  }

  async #demandContinuation(latest: SignedCheckpoint, head: JournalHead): Promise<void> {
    const opened = openCheckpoint(latest.note, this.key);
    if (!opened.ok) throw inconsistent(`the checkpoint of ${latest.size} entries was changed: ${opened.problem}`);
    // What was signed counts, not what stands beside it.
    const { size, root } = opened.value;
    if (head.size < size) throw inconsistent(`it has ${head.size} entries, and ${size} were signed before`);
    const proof = await this.#options.journal.consistency(size, head.size);
    if (!verifyConsistency(proof, root, head.root)) {
      throw inconsistent(`its ${head.size} entries do not begin with the ${size} that were signed before`);
    }
  }
}

function inconsistent(what: string): RampartError {
  return new RampartError(
    'JOURNAL_INCONSISTENT',
    `the journal was changed, no checkpoint is signed: ${what}; find what is damaged with: rampart audit verify`,
  );
}
