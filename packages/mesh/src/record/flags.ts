/** Envoy's response flags, as far as this data plane can see them. */
export const ResponseFlag = {
  none: '-',
  /** Denied by policy (unauthorized external service in Envoy's terms). */
  denied: 'UAEX',
  /** Upstream connection failure. */
  connectFailed: 'UF',
  /** Upstream connection termination. */
  upstreamReset: 'UC',
  /** What the application, or the instance, answered was no HTTP, or could be read in two ways. */
  upstreamProtocolError: 'UPE',
  /** No healthy upstream. */
  noInstance: 'UH',
  /** The caller went away before the response was complete. */
  callerGone: 'DC',
  /** No route: the name leads nowhere. */
  noRoute: 'NR',
  /** What came was no HTTP (downstream protocol error). */
  protocolError: 'DPE',
  /** As many requests as the application is given at a time were under way (upstream overflow). */
  overloaded: 'UO',
  /** No room under a RateLimit (429). */
  limited: 'RL',
  /** No answer came within the time that a rule gives it (upstream request timeout). */
  timeout: 'UT',
  /** A rule's retries are used up (upstream retry limit exceeded). */
  retriesUsedUp: 'URX',
  /** Delayed on purpose (delay injected). */
  delayed: 'DI',
  /** Answered with an error on purpose (fault injected). */
  faulted: 'FI',
  /** An earlier answer, in place of an instance's (response from cache filter). */
  fromCache: 'RFCF',
  /** Nothing moved for too long (stream idle timeout). */
  idle: 'SI',
} as const;

export type ResponseFlag = (typeof ResponseFlag)[keyof typeof ResponseFlag];
