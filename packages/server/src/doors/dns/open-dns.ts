import type { Clock, Random } from '@rampart/core';
import type { Discovery, ServiceKey } from '@rampart/registry';
import type { Metrics } from '../../metrics.ts';
import { DEFAULT_DATACENTER, DEFAULT_NAMESPACE } from '../instances/consul-defaults.ts';
import type { KeyIndex } from '../instances/key-index.ts';
import { isAddress } from '../instances/node-name.ts';
import { openDnsDoor } from './dns-door.ts';
import { DEFAULT_DNS_RATE, type DnsOptions } from './dns-options.ts';
import { Forwarder } from './forwarder.ts';
import { Responder } from './responder.ts';
import { ZoneAnswers } from './zone-answers.ts';

export interface OpenDnsOptions extends DnsOptions {
  readonly host: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

/** What is answered from. */
export interface DnsSource {
  readonly discovery: Discovery;
  readonly nodes: KeyIndex;
  mayRead(service: ServiceKey, sourceIp: string): boolean;
}

export interface Dns {
  readonly port: number;
  /** Answers from now on. */
  serve(source: DnsSource): void;
  close(): Promise<void>;
}

const UNSPECIFIED = new Set(['0.0.0.0', '::']);

/** @throws RampartError PORT_IN_USE; INVALID_ARGUMENT when this machine has no such address. */
export async function openDns(options: OpenDnsOptions): Promise<Dns> {
  const { host, port, clock, random, metrics, forwardTo = [] } = options;
  const outcomes = metrics.counter('rampart_dns_queries_total', 'DNS queries by transport and outcome.');
  const door = await openDnsDoor({ host, port, clock });
  return {
    port: door.port,
    serve: (source) => {
      const zones = new ZoneAnswers({
        discovery: source.discovery,
        nodes: source.nodes,
        mayRead: (...asked) => source.mayRead(...asked),
        datacenter: options.datacenter ?? DEFAULT_DATACENTER,
        namespace: options.namespace ?? DEFAULT_NAMESPACE,
        ttlSeconds: options.ttlSeconds ?? 0,
        negativeTtlSeconds: options.negativeTtlSeconds ?? 0,
        address: isAddress(host) && !UNSPECIFIED.has(host) ? host : undefined,
        random,
        now: () => clock.now(),
      });
      const forwarder = forwardTo.length === 0 ? undefined : new Forwarder({ upstreams: forwardTo, clock });
      door.serve(new Responder({ zones, forwarder, rate: options.rate ?? DEFAULT_DNS_RATE, clock, outcomes }));
    },
    close: () => door.close(),
  };
}
