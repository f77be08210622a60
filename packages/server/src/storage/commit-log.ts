/** What makes commits last. Nothing is committed while a call of it is waited for. */
export interface CommitLog {
  /**
   * Resolves once everything that was committed before survives the loss of power. After a rejection nobody can say what does, and no
   * later call can make it good.
   */
  sync(): Promise<void>;
  /** Does what is due between two commits, now and then; resolves when the next one may begin, and never rejects. */
  tidy(): Promise<void>;
  /** No commit follows. */
  close(): Promise<void>;
  /** Lets go of the files, after `close` and after whatever else has the database open here. */
  letGo(): Promise<void>;
}
