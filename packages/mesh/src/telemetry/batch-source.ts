import type { ReportBatch } from './batch.ts';

/** Where a delivery takes its batches from, one after the other. */
export interface BatchSource {
  /** The next batch to send; the same again until it is acknowledged. Undefined when there is none now. */
  next(): Promise<ReportBatch | undefined>;
  /** The control plane has stored it, or will never take it. */
  acknowledge(batch: ReportBatch): Promise<void>;
}
