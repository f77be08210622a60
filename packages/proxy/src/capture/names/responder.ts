import { encodeResponse, encodeTruncated, parseQuery, RCODE, refusal, SAFE_UDP_BYTES } from '@rampart/wire/dns';
import type { Envelope, Query } from '@rampart/wire/dns';

import type { Forwarder } from './forwarder.ts';
import type { MeshNames } from './mesh-names.ts';

export interface ResponderOptions {
  readonly names: MeshNames;
  /** Undefined where other names are refused. */
  readonly forwarder: Forwarder | undefined;
}

/** Without EDNS (RFC 1035 §4.2.1). */
const PLAIN_UDP_BYTES = 512;
const LARGEST_TCP_BYTES = 65_535;

/** From a packet to its response. */
export class Responder {
  readonly #options: ResponderOptions;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** Undefined: nothing is sent. */
  async respond(packet: Uint8Array, transport: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    const parsed = parseQuery(packet);
    switch (parsed.kind) {
      case 'noise':
        return undefined;
      case 'bad': {
        const { opcode, rcode } = parsed.bad;
        return encodeResponse({ ...this.#envelope(parsed.bad, transport), opcode }, refusal(rcode));
      }
      case 'query':
        return this.#answer(packet, parsed.query, transport);
    }
  }

  async #answer(packet: Uint8Array, query: Query, transport: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    const envelope = this.#envelope(query, transport);
    const answer = await this.#options.names.answer(query.question);
    if (answer !== undefined) return encodeResponse(envelope, answer);
    const { forwarder } = this.#options;
    if (forwarder === undefined || !query.recursionDesired) return encodeResponse(envelope, refusal(RCODE.REFUSED));
    const response = await forwarder.forward(packet, query.question.bytes.length, transport);
    if (response === undefined) return encodeResponse(envelope, refusal(RCODE.SERVFAIL));
    return response.length > envelope.limit ? encodeTruncated(envelope) : response;
  }

  #envelope(
    { id, recursionDesired, question, edns }: Pick<Envelope, 'id' | 'recursionDesired' | 'question' | 'edns'>,
    transport: 'udp' | 'tcp',
  ): Envelope {
    const udpLimit = Math.min(Math.max(edns?.udpSize ?? 0, PLAIN_UDP_BYTES), SAFE_UDP_BYTES);
    const limit = transport === 'tcp' ? LARGEST_TCP_BYTES : udpLimit;
    const recursionAvailable = this.#options.forwarder !== undefined;
    return { id, recursionDesired, recursionAvailable, question, edns, limit };
  }
}
