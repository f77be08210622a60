/** What became of a registration that has to be approved. */
export type ApprovalState = 'pending' | 'approved' | 'rejected';

/** An identity that wants to stand behind a service, and what was decided. Times are Unix milliseconds. */
export interface ApprovalRecord {
  readonly service: string;
  readonly namespace: string;
  /** As records name it: a SPIFFE ID, "token:NAME", "operator:NAME". */
  readonly identity: string;
  readonly state: ApprovalState;
  /** Of the first request. */
  readonly requestedAt: number;
  /** Where it wanted to be found, and where it came from; "" and 0 where it was known before anybody asked. */
  readonly host: string;
  readonly port: number;
  readonly sourceIp: string;
  readonly decidedAt?: number;
  /** "admin:NAME", or in words why nobody had to. */
  readonly decidedBy?: string;
}

/** Where approvals are kept. `put` stores them in place of those of the same service and identity, and resolves once that is durable. */
export interface ApprovalStore {
  all(): Promise<readonly ApprovalRecord[]>;
  put(records: readonly ApprovalRecord[]): Promise<void>;
}

export function createMemoryApprovalStore(): ApprovalStore {
  const records = new Map<string, ApprovalRecord>();
  return {
    all: () => Promise.resolve([...records.values()]),
    put: (changed) => {
      for (const record of changed) records.set(approvalKey(record), record);
      return Promise.resolve();
    },
  };
}

export function approvalKey({
  namespace,
  service,
  identity,
}: Pick<ApprovalRecord, 'namespace' | 'service' | 'identity'>): string {
  return `${namespace}/${service} ${identity}`;
}
