import { RampartError } from '@rampart/core';
import type { Clock } from '@rampart/core';
import type { Journal, JournalHead } from '../journal.ts';
import { verifyConsistency } from '../proofs/verification.ts';
import { type Checkpoint, checkpointText, openCheckpoint } from './checkpoint.ts';
import { signNote } from './signed-note.ts';
import type { NoteSigner } from './signed-note.ts';
import type { AnchorLoss, CheckpointAnchor, CheckpointStore, SignedCheckpoint } from './store.ts';
import { verifierKeyOf } from './verifier-key.ts';
import type { VerifierKey } from './verifier-key.ts';

export interface CheckpointsOptions {
  readonly journal: Pick<Journal, 'head' | 'consistency'>;
  readonly store: CheckpointStore;
  readonly anchor?: CheckpointAnchor;
  /** Puts on record that the anchor was taken away or put back, before it is written again. */
  lost?(loss: AnchorLoss): Promise<unknown>;
  /** Ed25519. */
  readonly signer: NoteSigner;
  /** Name of the log, and of the key: "cluster.local/journal". */
  readonly origin: string;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The signed checkpoints of a journal. They only grow, and none is signed for a tree that the one before is not a beginning
 * of: whoever holds any of them can tell that nothing under it was changed, dropped or put in since. The one before is that of
 * the store and that of the anchor: both must be lost, or put back, for a journal that was put back not to be noticed.
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

  /** Signs another text than a checkpoint with the same key. Its first line must be one that is the name of no journal. */
  attest(text: string): Promise<string> {
    return signNote(text, this.#options.origin, this.#options.signer);
  }

  async #sign(): Promise<SignedCheckpoint> {
    const { journal, store, anchor, signer, origin, clock } = this.#options;
    const latest = this.#latest;
    if (latest !== undefined) await this.#demandContinuation(latest, journal.head);
    if (anchor !== undefined) await this.#demandAnchored(anchor, latest);
    const { head } = journal;
    if (latest?.size === head.size) return latest;
    const note = await signNote(checkpointText({ origin, ...head }), origin, signer);
    const checkpoint = { ...head, at: clock.now(), note };
    // First of all: whatever dies now, the anchor is never behind the store.
    await anchor?.write(note);
    await store.add(checkpoint);
    this.#latest = checkpoint;
    return checkpoint;
  }

  async #demandContinuation({ note, size }: SignedCheckpoint, head: JournalHead): Promise<void> {
    const opened = openCheckpoint(note, this.key);
    if (!opened.ok) throw inconsistent(`the checkpoint of ${size} entries was changed: ${opened.problem}`);
    // What was signed counts, not what stands beside it.
    const deviation = await this.#deviation(opened.value, head);
    if (deviation !== undefined) throw inconsistent(deviation);
  }

  /** An operator who put back an older journal on purpose takes the anchor away. */
  async #demandAnchored(anchor: CheckpointAnchor, latest: SignedCheckpoint | undefined): Promise<void> {
    const { place } = anchor;
    const note = await anchor.read();
    const kept = note === undefined ? undefined : await this.#sizeUnder(note, place);
    if (latest === undefined || (kept !== undefined && kept >= latest.size)) return;
    await this.#options.lost?.({ place, kept, signed: latest.size });
    await anchor.write(latest.note);
  }

  /** How many entries of the journal a note is about. Throws JOURNAL_INCONSISTENT for one that is of another journal. */
  async #sizeUnder(note: string, place: string): Promise<number> {
    const opened = openCheckpoint(note, this.key);
    if (!opened.ok) throw inconsistent(`the checkpoint in ${place} was changed: ${opened.problem}`);
    const deviation = await this.#deviation(opened.value, this.#options.journal.head);
    if (deviation !== undefined) throw inconsistent(`${deviation}, says ${place}`, putBack(place));
    return opened.value.size;
  }

  /** Why the journal is not a continuation of what was signed. */
  async #deviation({ size, root }: Checkpoint, head: JournalHead): Promise<string | undefined> {
    if (head.size < size) return `it has ${head.size} entries, and ${size} were signed before`;
    const proof = await this.#options.journal.consistency(size, head.size);
    if (verifyConsistency(proof, root, head.root)) return undefined;
    return `its ${head.size} entries do not begin with the ${size} that were signed before`;
  }
}

function inconsistent(what: string, advice = 'find what is damaged with: rampart audit verify'): RampartError {
  const message = `the journal was changed, no checkpoint is signed: ${what}; ${advice}`;
  return new RampartError('JOURNAL_INCONSISTENT', message);
}

function putBack(place: string): string {
  return `where an older copy of the database was put back on purpose, remove ${place}: the journal goes on from there, and keeps a record of it`;
}
