import type { InstanceAction } from './instance-model.ts';
import type { WatchSession } from './watched.ts';

/** A change that somebody asked for. */
export interface Write {
  readonly by: string;
  /** Which start of the control plane was asked, from 0. */
  readonly run: number;
  readonly instanceId: string;
  readonly action: InstanceAction;
  readonly from: number;
  /** Undefined when there was no answer. */
  readonly to?: number;
  /** Of the service, with the registration in it. */
  readonly revision?: number;
}

/** What somebody saw of a whole service at once. */
export interface Look {
  readonly by: string;
  readonly run: number;
  readonly service: string;
  readonly from: number;
  readonly to: number;
  /** Of its last change; undefined through doors that do not say it. */
  readonly revision?: number;
  /** It waited for another revision than this one. */
  readonly since?: number;
  readonly places: readonly (readonly [instanceId: string, port: number])[];
}

/** What a data plane was told of services by one message of its control stream. */
export interface Streamed {
  readonly by: string;
  readonly run: number;
  readonly revision: number;
  /** In place of all that was told before. */
  readonly isReset: boolean;
  /** Whole services. */
  readonly services: readonly (readonly [service: string, places: Look['places']])[];
}

/** A call that failed: nothing, unless the control plane was up. */
export interface Failure {
  readonly by: string;
  readonly run: number;
  readonly at: number;
  readonly text: string;
}

/** What one process saw. */
export interface Observations {
  readonly writes: readonly Write[];
  readonly looks: readonly Look[];
  readonly sessions: readonly WatchSession[];
  readonly streamed: readonly Streamed[];
  readonly failures: readonly Failure[];
}

/** One start of the control plane, by the clock of all processes. */
export interface Run {
  readonly startedAt: number;
  readonly servesAt: number;
  /** Before it was killed. */
  readonly killedAt: number;
  /** When it was gone. */
  readonly goneAt: number;
}

/** Everything that is known of a history. */
export interface History extends Observations {
  readonly runs: readonly Run[];
}

/** Milliseconds of the one clock that the processes of a machine share. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
