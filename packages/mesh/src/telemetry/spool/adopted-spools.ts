import type { ReportBatch } from '../batch.ts';
import type { BatchSource } from '../batch-source.ts';
import type { Spool } from './spool.ts';

/** What earlier processes of this identity left, one spool after the other. */
export class AdoptedSpools implements BatchSource {
  #spools: readonly Spool[] = [];
  #dropped = 0;

  add(spools: readonly Spool[]): void {
    this.#spools = [...this.#spools, ...spools];
  }

  /** Records and refused connections that wait here. */
  get unsent(): number {
    return this.#spools.reduce((sum, spool) => sum + spool.unsent, 0);
  }

  get dropped(): number {
    return this.#spools.reduce((sum, spool) => sum + spool.dropped, this.#dropped);
  }

  async next(): Promise<ReportBatch | undefined> {
    for (let spool = this.#spools[0]; spool !== undefined; spool = this.#spools[0]) {
      const batch = await spool.next();
      if (batch !== undefined) return batch;
      await spool.removeIfEmpty();
      this.#dropped += spool.dropped;
      this.#spools = this.#spools.slice(1);
    }
    return undefined;
  }

  async acknowledge(batch: ReportBatch): Promise<void> {
    await this.#spools[0]?.acknowledge(batch);
  }
}
