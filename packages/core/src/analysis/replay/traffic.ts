import type { AccessLogRecord } from '../../access-log.ts';

/** Requests on record that no policy can tell apart. */
export interface RecordedRequest {
  /** Principal without its scheme; "" for a caller without identity. */
  readonly source: string;
  /** Principal of the workload that was called. */
  readonly destination: string;
  /** "orders-api.default.svc"; "" for a workload that serves under no name. */
  readonly service: string;
  /** "ip:port" of the instance; "" when it is not on record. */
  readonly instance: string;
  readonly method: string;
  /** As received, without its query. */
  readonly path: string;
  readonly authority: string;
  readonly userAgent: string;
  /** "iss/sub" of a verified token; "" when there was none. */
  readonly tokenPrincipal: string;
  readonly decision: 'ALLOW' | 'DENY';
  /** Whether the policies that decided then are those in force now. */
  readonly isCurrent: boolean;
}

/** A request and how often it is on record. */
export interface CountedRequest {
  readonly request: RecordedRequest;
  readonly count: number;
}

/** Records that say nothing that could be judged, by why. */
export interface LeftOut {
  /** Reported by the caller: the called side has its own record, or the request never arrived. */
  readonly bySource: number;
  readonly tooOld: number;
}

export interface TrafficOptions {
  /** Unix milliseconds: requests that began before are left out. */
  readonly since: number;
  /** Revision from which the policies that concern a namespace have not changed; 0 when they never did. */
  changedAt(namespace: string): number;
  /** Whether any policy asks for the user agent: else it would only keep apart what is alike. */
  readonly asksUserAgent: boolean;
}

const SCHEME = 'spiffe://';

/** Counts what is on record, like with like, so that each distinct question is judged once. */
export class Traffic {
  readonly #options: TrafficOptions;
  readonly #since: string;
  readonly #counted = new Map<string, { readonly request: RecordedRequest; count: number }>();
  readonly #leftOut = { bySource: 0, tooOld: 0 };
  #records = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    // Timestamps of records are RFC 3339 with milliseconds in UTC: they compare as text.
    this.#since = new Date(Math.max(0, options.since)).toISOString();
  }

  /** Distinct requests that wait to be taken. */
  get size(): number {
    return this.#counted.size;
  }

  /** Requests that were counted so far. */
  get records(): number {
    return this.#records;
  }

  get leftOut(): LeftOut {
    return { ...this.#leftOut };
  }

  add(record: AccessLogRecord): void {
    if (record.timestamp < this.#since) this.#leftOut.tooOld += 1;
    else if (record.reporter === 'source') this.#leftOut.bySource += 1;
    else this.#count(record);
  }

  /** What was counted since the last time. */
  take(): CountedRequest[] {
    const taken = [...this.#counted.values()];
    this.#counted.clear();
    return taken;
  }

  #count(record: AccessLogRecord): void {
    this.#records += 1;
    const request = this.#requestOf(record);
    const key = keyOf(request);
    const known = this.#counted.get(key);
    if (known === undefined) this.#counted.set(key, { request, count: 1 });
    else known.count += 1;
  }

  #requestOf(record: AccessLogRecord): RecordedRequest {
    const destination = withoutScheme(record.destination_principal);
    const path = record.request_path;
    const query = path.indexOf('?');
    return {
      source: withoutScheme(record.source_principal),
      destination,
      service: record.destination_service,
      instance: record.upstream_host,
      method: record.request_method,
      path: query === -1 ? path : path.slice(0, query),
      authority: record.authority,
      userAgent: this.#options.asksUserAgent ? record.user_agent : '',
      tokenPrincipal: record.jwt_principal,
      decision: record.authorization_decision,
      isCurrent: record.policy_revision >= this.#options.changedAt(namespaceOf(destination)),
    };
  }
}

/** Namespace of a principal ("cluster.local/ns/shop/sa/orders"); "" when it has none. */
export function namespaceOf(principal: string): string {
  return /\/ns\/([^/]+)\//.exec(principal)?.[1] ?? '';
}

function withoutScheme(id: string): string {
  return id.startsWith(SCHEME) ? id.slice(SCHEME.length) : id;
}

function keyOf(request: RecordedRequest): string {
  // No field holds a line feed: none of them may in HTTP, and names are DNS labels and SPIFFE paths.
  return `${request.source}\n${request.destination}\n${request.service}\n${request.instance}\n${request.method}\n${request.path}\n${request.authority}\n${request.userAgent}\n${request.tokenPrincipal}\n${request.decision}\n${request.isCurrent}`;
}
