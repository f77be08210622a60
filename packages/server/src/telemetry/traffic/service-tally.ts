import type { RecordBlock } from '@rampart/wire';
import { LatencyHistogram } from './latency-histogram.ts';

/** What is counted of a block of records: no record is made for it. */
export type TalliedBlock = Omit<RecordBlock, 'record'>;

const FIRST_SERVER_ERROR = 500;
/** Response flags of a request of which there is nothing to say. */
const NO_FLAG = '-';
const TCP = 'TCP';
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

  add(block: TalliedBlock, row: number): void {
    this.requests += 1;
    const flags = block.responseFlags(row);
    for (const flag of flagsOf(flags)) this.flags.set(flag, (this.flags.get(flag) ?? 0) + 1);
    if (block.reporter(row) === 'destination') {
      this.arrived += 1;
      if (block.tlsVersion(row) !== '') this.overMtls += 1;
    }
    if (block.decision(row) === 'DENY') {
      this.denied += 1;
      return;
    }
    const code = block.responseCode(row);
    if (block.protocol(row) === TCP ? isWhole(flags) : isSuccess(code, flags)) this.succeeded += 1;
    if (code !== 0) this.latency.add(block.durationMicros(row));
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

/** A connection without HTTP has no status: it is a success unless something ended it. */
function isWhole(flags: string): boolean {
  return flags === NO_FLAG || flags === '';
}

function isSuccess(code: number, flags: string): boolean {
  return code > 0 && code < FIRST_SERVER_ERROR && flags !== BROKEN_OFF;
}

const NO_FLAGS: readonly string[] = [];

function flagsOf(flags: string): readonly string[] {
  return flags === NO_FLAG || flags === '' ? NO_FLAGS : flags.split(',');
}
