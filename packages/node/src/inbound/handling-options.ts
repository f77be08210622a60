import type { Admission, ExchangeSource, InboundRecorder, Preliminaries } from '@rampart/mesh';

/** What requests are handled with, of either version of HTTP. */
export interface HandlingOptions extends ExchangeSource, Admission {
  readonly recorder: InboundRecorder;
  readonly preliminaries: Preliminaries;
  /** True once this process is going away: callers are asked to connect elsewhere. */
  draining(): boolean;
}
