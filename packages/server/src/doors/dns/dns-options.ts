import type { Rate } from '@rampart/core';
import type { Upstream } from './forwarder.ts';

/** How services are found by DNS. */
export interface DnsOptions {
  /** UDP and TCP; 0 takes a free one. */
  readonly port: number;
  /** "dc1" unless given. */
  readonly datacenter?: string;
  /** Whose services the names of Consul without a namespace are; "default" unless given. */
  readonly namespace?: string;
  /** Seconds an answer may be kept; 0 unless given, as for Consul. */
  readonly ttlSeconds?: number;
  /** Seconds "there is no such name" may be kept; 0 unless given. */
  readonly negativeTtlSeconds?: number;
  /** Resolvers for all other names, for askers on loopback and in private networks; without them those names are refused. */
  readonly forwardTo?: readonly Upstream[];
  /** Full answers over UDP for one network; 200 a second unless given. */
  readonly rate?: Rate;
}

export const DEFAULT_DNS_RATE: Rate = { perSecond: 200, burst: 400 };
