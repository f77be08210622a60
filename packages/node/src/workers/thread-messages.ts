import type {
  Collected,
  LeaseAnswer,
  LeaseQuestion,
  NonceAnswer,
  NonceQuestion,
  PortableUpdate,
  SharedState,
  TrafficStanding,
} from '@rampart/mesh';

import type { LogLevel } from '../config.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** Name of the environment data that the main thread leaves for others, and of the channel between them. */
export const THREADS = 'rampart';

/** What a thread is given when it is made. */
export interface Handover {
  readonly instanceHost: string;
  readonly logLevel: LogLevel;
  readonly rootNamespace: string;
  readonly state: SharedState;
}

/** What the main thread has left for those that it makes; undefined where it has not. */
export function readHandover(left: unknown): Handover | undefined {
  if (typeof left !== 'object' || left === null || !('handover' in left)) return undefined;
  return left.handover as Handover;
}

/** To the main thread; `from` is a thread's id. */
export type FromThread = { readonly from: number } & (
  | FromWorker
  | { readonly kind: 'records'; readonly collected: Collected }
  | LeaseQuestion
  | NonceQuestion
  /** What it gives no requests to, whenever that changes. */
  | { readonly kind: 'standing'; readonly standing: TrafficStanding }
  /** What it has; it is told what it missed. */
  | { readonly kind: 'behind'; readonly revision: number; readonly serial: string }
  /** A thread that this one had made is there no more. */
  | { readonly kind: 'ended'; readonly thread: number }
);

/** `to` is undefined for all of them. */
export type ToThread = { readonly to: number | undefined } & (
  | ToWorker
  | { readonly kind: 'member'; readonly member: NonNullable<SharedState['member']> }
  | { readonly kind: 'update'; readonly update: PortableUpdate }
  | LeaseAnswer
  | NonceAnswer
);

export function isFromThread(message: unknown): message is FromThread {
  return typeof message === 'object' && message !== null && 'from' in message;
}

export function isFor(message: unknown, thread: number): message is ToThread {
  if (typeof message !== 'object' || message === null || !('to' in message)) return false;
  return message.to === undefined || message.to === thread;
}
