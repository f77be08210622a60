import { close, fdatasync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';
import type { CommitLog } from '../../commit-log.ts';
import { CheckpointThread } from './checkpoint-thread.ts';

/** Pages from which on the log is brought back into the file: more are checkpointed more cheaply, and read again after a crash. */
const LONG_PAGES = 4000;
/** Commits between two looks at its length: far fewer than make it long. */
const COMMITS_BETWEEN_LOOKS = 32;

const syncData = promisify(fdatasync);
const closeFile = promisify(close);

/**
 * The write-ahead log of a SQLite file that is open with `synchronous=NORMAL`: its commits are in the log and not on the disk yet
 * (sqlite.org/pragma.html#pragma_synchronous). `sync` brings them there as SQLite would within each commit, and in between the event loop
 * goes on. Checkpoints happen in a thread, where nobody waits for them either: most of each while others commit, the rest between two
 * commits, so that the log comes to its end and begins anew.
 *
 * SQLite syncs the file with the last page of the log alone, so that all of a checkpoint would go to the disk while commits wait. What
 * was brought there beside them is synced beside them, too.
 */
export class WriteAheadLog implements CommitLog {
  readonly #file: string;
  readonly #longPages: number;
  readonly #thread: CheckpointThread;
  /** Of the log, and of the database. */
  #descriptor: number | undefined;
  #fileDescriptor: number | undefined;
  #reader: DatabaseSync | undefined;
  #length: StatementSync | undefined;
  #commits = 0;
  #checkpoint: 'none' | 'under way' | 'to be finished' = 'none';
  #mostOfIt: Promise<void> | undefined;

  /** @param file The database; it must stay open elsewhere for as long as its log is. */
  constructor(file: string, longPages: number = LONG_PAGES) {
    this.#file = file;
    this.#longPages = longPages;
    this.#thread = new CheckpointThread(file);
  }

  async sync(): Promise<void> {
    // While the database is open its log stays the same file, however often it begins anew.
    this.#descriptor ??= openSync(`${this.#file}-wal`, 'r+');
    await syncData(this.#descriptor);
  }

  async tidy(): Promise<void> {
    if (this.#checkpoint === 'to be finished') {
      await this.#thread.checkpoint();
      this.#checkpoint = 'none';
    }
    this.#commits += 1;
    if (this.#checkpoint !== 'none' || this.#commits % COMMITS_BETWEEN_LOOKS !== 0 || !this.#isLong()) return;
    this.#checkpoint = 'under way';
    this.#mostOfIt = this.#checkpointBeside();
  }

  async close(): Promise<void> {
    await this.#thread.close();
    await this.#mostOfIt;
    this.#reader?.close();
    if (this.#descriptor !== undefined) await closeFile(this.#descriptor);
  }

  async letGo(): Promise<void> {
    // Not sooner: with any descriptor of a file a process loses every lock that it has on it (POSIX, fcntl), SQLite's among them.
    if (this.#fileDescriptor !== undefined) await closeFile(this.#fileDescriptor);
  }

  async #checkpointBeside(): Promise<void> {
    await this.#thread.checkpoint();
    try {
      this.#fileDescriptor ??= openSync(this.#file, 'r+');
      await syncData(this.#fileDescriptor);
    } catch {
      // SQLite syncs the file once more, by a descriptor of its own, and believes what it is told there.
    }
    this.#checkpoint = 'to be finished';
  }

  #isLong(): boolean {
    this.#reader ??= new DatabaseSync(this.#file, { readOnly: true });
    this.#length ??= this.#reader.prepare('PRAGMA wal_checkpoint(NOOP)');
    const said = this.#length.get();
    return Number(said?.['log']) - Number(said?.['checkpointed']) >= this.#longPages;
  }
}
