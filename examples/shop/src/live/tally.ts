import type { MeshEvent } from '../mesh/records.ts';

const KEPT_DURATIONS = 1000;

/** Running totals of what the mesh has on record. */
export class Tally {
  requests = 0;
  denied = 0;
  /** Requests that came in over mutual TLS. */
  mtls = 0;
  refusedConnections = 0;
  plaintextRejected = 0;
  #calls = 0;
  #callsOverMtls = 0;
  readonly #durations: number[] = [];

  add(event: MeshEvent): void {
    if (event.kind === 'refusal') {
      this.refusedConnections += 1;
      if (event.refusal.kind === 'plaintext_rejected') this.plaintextRejected += 1;
      return;
    }
    const { record } = event;
    const secured = record.tls_version !== '';
    if (record.reporter === 'source') {
      this.#calls += 1;
      if (secured) this.#callsOverMtls += 1;
      return;
    }
    this.requests += 1;
    if (secured) this.mtls += 1;
    if (record.authorization_decision === 'DENY') this.denied += 1;
    this.#durations[this.requests % KEPT_DURATIONS] = record.duration_ms;
  }

  /** Share of the calls between services that went over mutual TLS, 0 to 100; undefined before the first call. */
  get mtlsPercent(): number | undefined {
    return this.#calls === 0 ? undefined : (100 * this.#callsOverMtls) / this.#calls;
  }

  /** Median of the last requests' durations in milliseconds; undefined before the first. */
  get p50(): number | undefined {
    const sorted = this.#durations.filter((value) => value !== undefined).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }
}

/** "128 requests · 3 denied · 4 connections refused · mTLS 100 % · p50 1.2 ms". */
export function renderTally(tally: Tally): string {
  const percent = tally.mtlsPercent;
  const { p50 } = tally;
  return [
    `${tally.requests} requests`,
    `${tally.denied} denied`,
    `${tally.refusedConnections} connections refused`,
    percent === undefined ? '' : `${percent.toFixed(percent === 100 ? 0 : 1)} % of calls between services over mTLS`,
    p50 === undefined ? '' : `p50 ${p50.toFixed(1)} ms`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}
