import type { AccessLogRecord } from '@rampart/core';
import { LatencyHistogram } from './latency-histogram.ts';

const MICROS = 1000;
const FIRST_SERVER_ERROR = 500;
const NO_FLAG = '-';
/** Flags of answers that were begun and not finished; one that the caller gave up is not the service's failure. */
const BROKEN_OFF = 'UC';

/** Requests to one service within some time. */
export class ServiceTally {
  requests = 0;
  succeeded = 0;
  denied = 0;
  arrived = 0;
  overMtls = 0;
  readonly flags: Map<string, number> = new Map();
  readonly latency: LatencyHistogram = new LatencyHistogram();

  add(record: AccessLogRecord): void {
    this.requests += 1;
    for (const flag of flagsOf(record)) this.flags.set(flag, (this.flags.get(flag) ?? 0) + 1);
    if (record.reporter === 'destination') {
      this.arrived += 1;
      if (record.tls_version !== '') this.overMtls += 1;
    }
    if (record.authorization_decision === 'DENY') {
      this.denied += 1;
      return;
    }
    if (isSuccess(record)) this.succeeded += 1;
    if (record.response_code !== 0) this.latency.add(record.duration_ms * MICROS);
  }

  merge(other: ServiceTally): void {
    this.requests += other.requests;
    this.succeeded += other.succeeded;
    this.denied += other.denied;
    this.arrived += other.arrived;
    this.overMtls += other.overMtls;
    for (const [flag, count] of other.flags) this.flags.set(flag, (this.flags.get(flag) ?? 0) + count);
    this.latency.merge(other.latency);
  }
}

function isSuccess({ response_code: code, response_flags: flags }: AccessLogRecord): boolean {
  return code > 0 && code < FIRST_SERVER_ERROR && flags !== BROKEN_OFF;
}

function flagsOf({ response_flags: flags }: AccessLogRecord): readonly string[] {
  return flags === NO_FLAG || flags === '' ? [] : flags.split(',');
}
