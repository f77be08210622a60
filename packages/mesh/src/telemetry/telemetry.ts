import type { RecordInput } from '@rampart/wire/record-block';

import type { Collected, RefusedConnection } from './batch.ts';

/** Where a data plane's records go. */
export interface Telemetry {
  /** Never fails, never waits; keeps no reference to `record`. */
  record(record: RecordInput): void;
  /** The same for a connection that was refused before any request could be read. */
  refused(event: RefusedConnection): void;
  /** The same for what another thread of this process has collected. */
  collect(collected: Collected): void;
  /** Hands over everything recorded so far; resolves with how much was neither delivered nor spooled within `milliseconds`. */
  drain(milliseconds: number): Promise<number>;
  /** The last chance, for an `exit` handler. */
  spoolSync(): void;
}
