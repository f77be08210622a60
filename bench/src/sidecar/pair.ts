import type { Absent } from '../harness/absent.ts';

/** Two proxies between a caller and a service, or none. */
export interface ProxyPair {
  readonly name: string;
  start(ground: PairGround): Promise<RunningPair | Absent>;
}

export interface PairGround {
  /** Holds the certificates of `writePki`; scratch files may be added. */
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Where the service listens. */
  readonly app: number;
}

export interface RunningPair {
  /** Where the caller's proxy listens. */
  readonly port: number;
  /** Of the two proxies. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** The service without anything in between. */
export const direct: ProxyPair = {
  name: 'direct',
  start: ({ app }) => Promise.resolve({ port: app, pids: [], stop: () => Promise.resolve() }),
};
