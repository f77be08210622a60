import type { Absent } from '../harness/absent.ts';
import type { Child } from '../harness/child.ts';

/** A caller and a service, joined in one particular way. */
export interface Subject {
  readonly name: string;
  start(ground: Ground): Promise<Running | Absent>;
}

/** What every subject may use. */
export interface Ground {
  /** Holds the certificates of `writePki`; scratch files may be added. */
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Flags of Node for the service's process. */
  readonly serverFlags?: readonly string[];
}

export interface Running {
  readonly url: string;
  readonly client: Child;
  readonly server: Child;
  /** Every process whose work counts: client, server, proxies, control plane. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}
