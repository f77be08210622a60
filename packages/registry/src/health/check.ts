/** Consul's three; a check has exactly one of them at any time. */
export type CheckStatus = 'passing' | 'warning' | 'critical';

/**
 * How a check finds out. Whatever the server runs is aimed at the host of the instance itself and nowhere else: a
 * registration must not make the control plane knock on a stranger's door.
 */
export type CheckKind = HttpCheck | TcpCheck | GrpcCheck | TtlCheck | ScriptCheck;

/** 2xx is passing, 429 is warning, everything else and no answer is critical (Consul). */
export interface HttpCheck {
  readonly type: 'http';
  /** With "https", mutual TLS: an instance with a SPIFFE ID must prove exactly that ID, any other a name that the web trusts. */
  readonly scheme: 'http' | 'https';
  /** The port of the instance unless given. */
  readonly port?: number;
  /** Path and query, beginning with "/". */
  readonly path: string;
  /** "GET" unless given. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Passing when the connection is accepted. */
export interface TcpCheck {
  readonly type: 'tcp';
  /** The port of the instance unless given. */
  readonly port?: number;
}

/** `grpc.health.v1.Health/Check`: SERVING is passing, everything else is critical. */
export interface GrpcCheck {
  readonly type: 'grpc';
  /** Mutual TLS as for HTTPS; plain HTTP/2 otherwise. */
  readonly tls: boolean;
  /** The port of the instance unless given. */
  readonly port?: number;
  /** Service that is asked about; the whole server unless given. */
  readonly service?: string;
}

/** The instance reports by itself; critical when it was not heard of for `ttlMs`. */
export interface TtlCheck {
  readonly type: 'ttl';
  readonly ttlMs: number;
}

/** Exit code 0 is passing, 1 is warning, everything else is critical (Consul). Refused unless the server was started with scripts allowed. */
export interface ScriptCheck {
  readonly type: 'script';
  /** Program and arguments; no shell. */
  readonly args: readonly string[];
}

/** A check as it was registered, complete. */
export interface CheckDefinition {
  /** Unique within its instance. */
  readonly checkId: string;
  readonly name: string;
  readonly kind: CheckKind;
  /** Between the beginnings of two runs, milliseconds; means nothing for a TTL. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Successes in a row after which a check that did not pass does; 0 and 1 mean at once. */
  readonly successBeforePassing: number;
  /** Failures in a row after which a check that passed is warning. Same as `failuresBeforeCritical` when there is to be no warning. */
  readonly failuresBeforeWarning: number;
  /** Failures in a row after which a check is critical; 0 means at the first. */
  readonly failuresBeforeCritical: number;
  /** Until the first result. */
  readonly initialStatus: CheckStatus;
  /** Run by the agent of the instance's host; by the control plane unless given. Means nothing for a TTL. */
  readonly runBy?: 'agent';
}

/** What a check says now. */
export interface CheckState {
  readonly checkId: string;
  readonly name: string;
  readonly status: CheckStatus;
  /** Of the newest run, 4 KiB of UTF-8 at most. */
  readonly output: string;
  /** Unix milliseconds of the last change of status. */
  readonly changedAt: number;
}
