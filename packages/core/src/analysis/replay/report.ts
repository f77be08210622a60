import type { Verdict } from '../../policy/verdict.ts';
import { PathTally } from './path-tally.ts';
import type { RecordedRequest } from './traffic.ts';

type Decision = Verdict['decision'];

/** Requests that would be decided differently. */
export interface ChangedGroup {
  /** Principal; "" for callers without identity. */
  readonly source: string;
  /** "orders-api.default.svc", or the principal of a workload that serves under no name. */
  readonly destination: string;
  readonly method: string;
  /** One path, or a shape where there are many. */
  readonly path: string;
  readonly count: number;
  readonly from: Decision;
  readonly to: Decision;
  /** "namespace/name" of the policy that decides now; "" when none does. */
  readonly policy: string;
  /** Its rule; -1 when none. */
  readonly rule: number;
  /** Action of that policy; ALLOW beside a DENY where no rule of an ALLOW policy matched. */
  readonly action: Verdict['action'];
  readonly reason: string;
  /** The policy that decided before; "" when none did, or that is not known. */
  readonly oldPolicy: string;
}

/** Requests about which a record does not say enough. */
export interface UnknownGroup {
  readonly destination: string;
  /** "AuthorizationPolicy shop/tenants asks header x-tenant (rules[0].when[0])". */
  readonly reason: string;
  readonly count: number;
  /** One of them: "GET /orders from cluster.local/ns/web/sa/frontend". */
  readonly example: string;
}

/** What a candidate would change, by the requests on record. */
export interface ReplayReport {
  /** Requests that were replayed. */
  readonly requests: number;
  /** Of them, those that no policy can tell apart counted once. */
  readonly distinct: number;
  readonly unchanged: number;
  /** Allowed before, denied by the candidate. */
  readonly nowDenied: number;
  readonly nowAllowed: number;
  readonly cannotTell: number;
  /** Those that would be denied first, then by count. */
  readonly changes: readonly ChangedGroup[];
  readonly unknown: readonly UnknownGroup[];
  /** Requests that changed or could not be told, in groups that are left out of the lists to keep them short. */
  readonly notListed: number;
}

/** A change of decision. */
export interface Change {
  readonly from: Decision;
  readonly verdict: Verdict;
  readonly oldPolicy: string;
}

interface Bucket {
  readonly change: Change;
  readonly request: RecordedRequest;
  readonly paths: PathTally;
}

/** More than anybody reads; names of services come from workloads, and could be without end. */
const MOST_GROUPS = 2000;

/** Adds up what became of each request. */
export class ReplayTally {
  readonly #changes = new Map<string, Bucket>();
  readonly #unknown = new Map<string, { readonly group: UnknownGroup; count: number }>();
  readonly #sums = { requests: 0, distinct: 0, unchanged: 0, nowDenied: 0, nowAllowed: 0, cannotTell: 0, notListed: 0 };

  unchanged(count: number): void {
    this.#count(count);
    this.#sums.unchanged += count;
  }

  changed(request: RecordedRequest, count: number, change: Change): void {
    this.#count(count);
    this.#sums[change.verdict.decision === 'DENY' ? 'nowDenied' : 'nowAllowed'] += count;
    const { policy, rule, decision } = change.verdict;
    const place = [request.source, destinationOf(request), request.method];
    const key = JSON.stringify([...place, change.from, decision, policy, rule, change.oldPolicy]);
    let bucket = this.#changes.get(key);
    if (bucket === undefined) {
      if (this.#changes.size >= MOST_GROUPS) {
        this.#sums.notListed += count;
        return;
      }
      bucket = { change, request, paths: new PathTally() };
      this.#changes.set(key, bucket);
    }
    bucket.paths.add(request.path, count);
  }

  unknown(request: RecordedRequest, count: number, reason: string): void {
    this.#count(count);
    this.#sums.cannotTell += count;
    const destination = destinationOf(request);
    const key = JSON.stringify([destination, reason]);
    const known = this.#unknown.get(key);
    if (known !== undefined) known.count += count;
    else if (this.#unknown.size >= MOST_GROUPS) this.#sums.notListed += count;
    else {
      const source = request.source === '' ? 'a caller without identity' : request.source;
      const example = `${request.method} ${request.path} from ${source}`;
      this.#unknown.set(key, { group: { destination, reason, count, example }, count });
    }
  }

  report(): ReplayReport {
    return {
      ...this.#sums,
      changes: [...this.#changes.values()].flatMap(groupsOf).sort(bySeverity),
      unknown: [...this.#unknown.values()]
        .map(({ group, count }) => ({ ...group, count }))
        .sort((a, b) => b.count - a.count),
    };
  }

  #count(count: number): void {
    this.#sums.requests += count;
    this.#sums.distinct += 1;
  }
}

/** The name under which a request's destination is shown. */
function destinationOf({ service, destination }: RecordedRequest): string {
  return service === '' ? destination : service;
}

function groupsOf({ change, request, paths }: Bucket): ChangedGroup[] {
  const { decision: to, policy, rule, action, reason } = change.verdict;
  return paths.list().map(({ path, count }) => ({
    source: request.source,
    destination: destinationOf(request),
    method: request.method,
    path,
    count,
    from: change.from,
    to,
    policy,
    rule,
    action,
    reason,
    oldPolicy: change.oldPolicy,
  }));
}

function bySeverity(a: ChangedGroup, b: ChangedGroup): number {
  if (a.to !== b.to) return a.to === 'DENY' ? -1 : 1;
  return b.count - a.count || (a.path < b.path ? -1 : 1);
}
