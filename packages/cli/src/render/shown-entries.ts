import type { LogEntry } from './log-records.ts';

/** Entries that are remembered: as many as a log is asked for again. */
const REMEMBERED = 10_000;

/** Which entries of a log were shown already, so that a log that is read again goes on where it was. */
export class ShownEntries {
  readonly #json = new Set<string>();
  /** Time of the oldest entry that was shown; what is older was left out on purpose. */
  #since: string;

  /** `since` is when the reading began, as records write it (RFC 3339). */
  constructor(since: string) {
    this.#since = since;
  }

  add({ json, record }: LogEntry): void {
    if (record.timestamp < this.#since) this.#since = record.timestamp;
    this.#json.add(json);
    if (this.#json.size <= REMEMBERED) return;
    for (const oldest of this.#json) {
      this.#json.delete(oldest);
      return;
    }
  }

  /** Whether it belongs to what is read, and was not shown yet. */
  lacks({ json, record }: LogEntry): boolean {
    return record.timestamp >= this.#since && !this.#json.has(json);
  }
}
