import { Histogram } from './histogram.ts';

/** Requests with the same labels. */
export class RequestSeries {
  readonly labels: string;
  readonly milliseconds: Histogram = new Histogram();
  readonly requestBytes: Histogram = new Histogram();
  readonly responseBytes: Histogram = new Histogram();
  requests = 0;

  constructor(labels: string) {
    this.labels = labels;
  }
}

/** How a request ended, as far as labels tell it. */
export interface RequestOutcome {
  readonly code: number;
  readonly flag: string;
  /** "" for what is no gRPC. */
  readonly grpcStatus: string;
}

export type FindSeries = (outcome: RequestOutcome) => RequestSeries;

/**
 * The series of requests that differ in their outcome alone, those of one connection or of one instance: what came last is
 * looked at first, so that no text is put together for a request.
 */
export class SeriesOfPeer {
  readonly #find: FindSeries;
  readonly #known = new Map<number, { readonly outcome: RequestOutcome; readonly series: RequestSeries }[]>();
  #last: RequestOutcome = { code: -1, flag: '', grpcStatus: '' };
  #series: RequestSeries | undefined;

  constructor(find: FindSeries) {
    this.#find = find;
  }

  of(code: number, flag: string, grpcStatus: string): RequestSeries {
    const last = this.#last;
    if (this.#series !== undefined && last.code === code && last.flag === flag && last.grpcStatus === grpcStatus)
      return this.#series;
    const known = this.#known.get(code) ?? [];
    this.#known.set(code, known);
    let found = known.find(({ outcome }) => outcome.flag === flag && outcome.grpcStatus === grpcStatus);
    if (found === undefined) {
      const outcome = { code, flag, grpcStatus };
      found = { outcome, series: this.#find(outcome) };
      known.push(found);
    }
    this.#last = found.outcome;
    this.#series = found.series;
    return found.series;
  }
}

/** Connections without HTTP with the same labels. */
export class TcpSeries {
  readonly labels: string;
  opened = 0;
  closed = 0;
  receivedBytes = 0;
  sentBytes = 0;

  constructor(labels: string) {
    this.labels = labels;
  }
}
