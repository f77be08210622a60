/** What rules did about the requests to one port and subset of a service, since this process began. */
export class ClusterCounts {
  /** Times that an instance was left out for how it answered. */
  ejections = 0;
  /** Tries after the first one. */
  retries = 0;
  /** Requests whose last try called for another one, and had no more. */
  retriesUsedUp = 0;
  /** Retries that breaker or budget had no room for. */
  retriesTurnedAway = 0;
  /** Requests that the breaker turned away. */
  shed = 0;
  /** Requests that a rule's own answer was given to, because no instance could answer. */
  fallbacks = 0;
  /** The same with an earlier answer of an instance. */
  stale = 0;
}

/** What was done, and what is so now. */
export interface ClusterFigures {
  /** As Istio names it: "outbound|80|v1|orders-api.default.svc". */
  readonly name: string;
  readonly counts: ClusterCounts;
  /** Instances that are out. */
  readonly ejected: number;
  readonly isOpen: boolean;
  /** Times that the breaker, which let everybody in, made a request wait or turned it away. */
  readonly opened: number;
}

/** What is asked for those figures. */
export interface ClusterSource {
  clusters(): readonly ClusterFigures[];
}
