import type { MeshEndpoint } from '../../view/endpoint.ts';
import { ExpectedLatency } from './latency.ts';

/** An unknown instance that is being tried costs more than any known one, so that it is tried with one request. */
const UNKNOWN_COST = 1e9;

/** An instance of weight 0 is given next to nothing: registries take it out of service where it is to get nothing. */
const LIGHTEST = 0.001;

/** One instance, and what this data plane has seen of it. It outlives changes of the service that it belongs to. */
export class Member {
  endpoint: MeshEndpoint;
  inFlight = 0;
  readonly latency: ExpectedLatency = new ExpectedLatency();
  /** When this data plane first knew it. */
  readonly since: number;
  /** Errors in a row, of each sort that is counted. */
  errors5xx = 0;
  errorsGateway = 0;
  errorsLocal = 0;
  /** It is given nothing before this time, where outliers are ejected; 0 where it is not out. */
  ejectedUntil = 0;
  timesEjected = 0;

  constructor(endpoint: MeshEndpoint, now: number) {
    this.endpoint = endpoint;
    this.since = now;
  }

  get weight(): number {
    return Math.max(this.endpoint.weight ?? 1, LIGHTEST);
  }

  /** How long a further request is expected to take, for its weight. */
  cost(now: number): number {
    const latency = this.latency.at(now);
    if (latency === 0) return this.inFlight === 0 ? 0 : UNKNOWN_COST + this.inFlight;
    return (latency * (this.inFlight + 1)) / this.weight;
  }

  /** Requests under way, for its weight. */
  burden(): number {
    return this.inFlight / this.weight;
  }
}
