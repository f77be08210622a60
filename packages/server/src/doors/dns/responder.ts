import { BlockList, isIPv6 } from 'node:net';
import { type Clock, type Rate, TokenBuckets } from '@rampart/core';
import {
  type Answer,
  CLASS,
  encodeResponse,
  encodeTruncated,
  type Envelope,
  parseQuery,
  type Query,
  RCODE,
  refusal,
  SAFE_UDP_BYTES,
} from '@rampart/wire/dns';
import type { Counter } from '../../metrics.ts';
import { networkOf } from '../limits/network-of.ts';
import type { Forwarder, Transport } from './forwarder.ts';
import type { ZoneAnswers } from './zone-answers.ts';

export interface ResponderOptions {
  readonly zones: ZoneAnswers;
  /** Undefined where other names are refused. */
  readonly forwarder: Forwarder | undefined;
  /** Full answers over UDP for one network; ten times as many questions are answered at all. */
  readonly rate: Rate;
  readonly clock: Clock;
  readonly outcomes: Counter;
}

export interface Asker {
  /** IP literal; IPv4 in its own form. */
  readonly address: string;
  readonly transport: Transport;
}

/** Without EDNS (RFC 1035 §4.2.1). */
const PLAIN_UDP_BYTES = 512;
const LARGEST_TCP_BYTES = 65_535;
const DROP_FACTOR = 10;
const LOOPBACK = /^(?:127\.|::1$)/;
const RCODE_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(RCODE).map(([name, code]) => [code, name]));

/**
 * From a packet to its response. A spoofed source gets no more than the rate allows: above it, answers that say "ask over TCP" and are
 * no longer than the question; far above it nothing.
 */
export class Responder {
  readonly #options: ResponderOptions;
  readonly #answers: TokenBuckets;
  readonly #questions: TokenBuckets;

  constructor(options: ResponderOptions) {
    const { rate, clock } = options;
    this.#options = options;
    this.#answers = new TokenBuckets(rate, clock);
    const most = { perSecond: DROP_FACTOR * rate.perSecond, burst: DROP_FACTOR * rate.burst };
    this.#questions = new TokenBuckets(most, clock);
  }

  /** Undefined: nothing is sent. */
  respond(packet: Uint8Array, asker: Asker): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.#isFlooding(asker)) return this.#count(asker, 'DROPPED', undefined);
    const parsed = parseQuery(packet);
    switch (parsed.kind) {
      case 'noise':
        return this.#count(asker, 'NOISE', undefined);
      case 'bad': {
        const envelope = { ...this.#envelope(asker, parsed.bad), opcode: parsed.bad.opcode };
        return this.#send(asker, envelope, refusal(parsed.bad.rcode));
      }
      case 'query':
        return this.#answer(packet, parsed.query, asker);
    }
  }

  #answer(packet: Uint8Array, query: Query, asker: Asker): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const { question } = query;
    const envelope = this.#envelope(asker, query);
    if (question.class !== CLASS.IN && question.class !== CLASS.ANY) {
      return this.#send(asker, envelope, refusal(RCODE.REFUSED));
    }
    if (this.#mustProveItself(asker)) return this.#count(asker, 'TRUNCATED', encodeTruncated(envelope));
    const answer = this.#options.zones.answer({ ...question, source: asker.address });
    if (answer !== undefined) return this.#send(asker, envelope, answer);
    const { forwarder } = this.#options;
    if (forwarder === undefined || !query.recursionDesired || !isNearby(asker.address)) {
      return this.#send(asker, envelope, refusal(RCODE.REFUSED));
    }
    return this.#forward(packet, { forwarder, envelope, asker });
  }

  async #forward(
    packet: Uint8Array,
    { forwarder, envelope, asker }: { forwarder: Forwarder; envelope: Envelope; asker: Asker },
  ): Promise<Uint8Array | undefined> {
    const questionBytes = envelope.question?.bytes.length ?? 0;
    const response = await forwarder.forward(packet, questionBytes, asker.transport);
    if (response === undefined) return this.#send(asker, envelope, refusal(RCODE.SERVFAIL));
    if (response.length > envelope.limit) return this.#count(asker, 'TRUNCATED', encodeTruncated(envelope));
    return this.#count(asker, 'FORWARDED', response);
  }

  #envelope(
    { transport }: Asker,
    { id, recursionDesired, question, edns }: Pick<Envelope, 'id' | 'recursionDesired' | 'question' | 'edns'>,
  ): Envelope {
    const udpLimit = Math.min(Math.max(edns?.udpSize ?? 0, PLAIN_UDP_BYTES), SAFE_UDP_BYTES);
    const limit = transport === 'tcp' ? LARGEST_TCP_BYTES : udpLimit;
    const recursionAvailable = this.#options.forwarder !== undefined;
    return { id, recursionDesired, recursionAvailable, question, edns, limit };
  }

  #send(asker: Asker, envelope: Envelope, answer: Answer): Uint8Array | undefined {
    return this.#count(asker, RCODE_NAMES.get(answer.rcode) ?? '', encodeResponse(envelope, answer));
  }

  #count({ transport }: Asker, outcome: string, response: Uint8Array | undefined): Uint8Array | undefined {
    this.#options.outcomes.add({ transport, outcome });
    return response;
  }

  #isFlooding({ address }: Asker): boolean {
    return !LOOPBACK.test(address) && this.#questions.take(networkOf(address)) > 0;
  }

  /** Over TCP an address has proved that it is there; on this very host nobody can be spoofed. */
  #mustProveItself({ address, transport }: Asker): boolean {
    return transport === 'udp' && !LOOPBACK.test(address) && this.#answers.take(networkOf(address)) > 0;
  }
}

const NEARBY = new BlockList();
for (const [network, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const) {
  NEARBY.addSubnet(network, prefix, 'ipv4');
}
NEARBY.addAddress('::1', 'ipv6');
NEARBY.addSubnet('fc00::', 7, 'ipv6');
NEARBY.addSubnet('fe80::', 10, 'ipv6');

/** Loopback and private networks: a resolver that is open to the world is a weapon. */
function isNearby(address: string): boolean {
  const [plain = ''] = address.split('%', 1);
  return NEARBY.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}
