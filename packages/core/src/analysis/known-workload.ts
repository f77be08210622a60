import type { WorkloadRef } from '../policy/selection.ts';
import type { ServiceName } from '../service-name.ts';

/** A workload that is known to exist, by the registry or by a file. */
export interface KnownWorkload extends WorkloadRef {
  /** Undefined for one that serves nothing. */
  readonly service: ServiceName | undefined;
  /** Port it listens on; 0 when that is not known. */
  readonly port: number;
  /** "http", "https", "tcp"…; "" when that is not known. */
  readonly protocol: string;
  /** Identity without its scheme. */
  readonly principal: string;
}
