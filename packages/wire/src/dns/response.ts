import { addressBytes } from './address-bytes.ts';
import { CLASS, RCODE, type Rcode, TYPE } from './codes.ts';
import type { Edns, Question } from './query.ts';
import type { DnsRecord, RecordData, StartOfAuthority } from './record.ts';

/** What is answered. */
export interface Answer {
  readonly rcode: Rcode;
  /** Whether it is said of a zone of our own. */
  readonly authoritative: boolean;
  /** In the order in which they are sent; what does not fit is left out and the message marked as truncated. */
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  /** What helps, and is left out without a word where it does not fit. */
  readonly additionals: readonly DnsRecord[];
}

export interface Envelope {
  readonly id: number;
  readonly opcode?: number;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  /** Undefined where none could be read. */
  readonly question: Question | undefined;
  /** Answered with OPT where the asker sent one. */
  readonly edns: Edns | undefined;
  /** Largest message, bytes. */
  readonly limit: number;
}

const HEADER_BYTES = 12;
const OPT_BYTES = 11;
/** Announced in OPT: what travels everywhere without fragments (DNS flag day 2020). */
export const SAFE_UDP_BYTES = 1232;
const QUESTION_NAME = 0xc000 | HEADER_BYTES;
const LARGEST_POINTER = 0x3fff;

/** A message without records that says only how it ended. */
export function refusal(rcode: Rcode): Answer {
  return { rcode, authoritative: false, answers: [], authorities: [], additionals: [] };
}

/** The bytes of a response (RFC 1035 §4), names compressed, never longer than the limit. */
export function encodeResponse(envelope: Envelope, answer: Answer): Uint8Array {
  const { question, edns } = envelope;
  const room = envelope.limit - (edns === undefined ? 0 : OPT_BYTES);
  const message = new MessageBytes(room, question);
  const answered = message.writeAll(answer.answers);
  const isTruncated = answered < answer.answers.length;
  const authorities = isTruncated ? 0 : message.writeAll(answer.authorities);
  const additionals = isTruncated ? 0 : message.writeAll(answer.additionals);
  if (edns !== undefined) message.writeOpt(answer.rcode);
  return message.finish([
    envelope.id,
    flagsOf(envelope, answer, isTruncated),
    question === undefined ? 0 : 1,
    answered,
    authorities,
    additionals + (edns === undefined ? 0 : 1),
  ]);
}

/** "Ask again over TCP": no longer than the query it answers. */
export function encodeTruncated(envelope: Envelope): Uint8Array {
  const { question, edns } = envelope;
  const message = new MessageBytes(SAFE_UDP_BYTES, question);
  if (edns !== undefined) message.writeOpt(RCODE.NOERROR);
  const flags = flagsOf(envelope, refusal(RCODE.NOERROR), true);
  return message.finish([envelope.id, flags, question === undefined ? 0 : 1, 0, 0, edns === undefined ? 0 : 1]);
}

function flagsOf(envelope: Envelope, answer: Answer, isTruncated: boolean): number {
  return (
    0x8000 |
    ((envelope.opcode ?? 0) << 11) |
    (answer.authoritative ? 0x0400 : 0) |
    (isTruncated ? 0x0200 : 0) |
    (envelope.recursionDesired ? 0x0100 : 0) |
    (envelope.recursionAvailable ? 0x0080 : 0) |
    (answer.rcode & 0xf)
  );
}

/** A message that grows up to its limit; a record that does not fit leaves no trace. */
class MessageBytes {
  readonly #limit: number;
  #bytes = new Uint8Array(512);
  #length = HEADER_BYTES;
  /** Where names begin that stand here already, for pointers to them. */
  readonly #names = new Map<string, number>();

  constructor(limit: number, question: Question | undefined) {
    this.#limit = limit;
    if (question !== undefined) {
      this.#push(question.bytes);
      this.#remember(question.labels);
    }
  }

  /** How many fitted. */
  writeAll(records: readonly DnsRecord[]): number {
    for (const [index, record] of records.entries()) {
      if (!this.#write(record)) return index;
    }
    return records.length;
  }

  /** EDNS of our own (RFC 6891 §6.1.2), with the upper bits of the outcome. */
  writeOpt(rcode: Rcode): void {
    this.#push([0]);
    this.#push16(TYPE.OPT, SAFE_UDP_BYTES, (rcode >> 4) << 8, 0, 0);
  }

  finish(header: readonly number[]): Uint8Array {
    for (const [index, value] of header.entries()) this.#put16(2 * index, value);
    return this.#bytes.subarray(0, this.#length);
  }

  #write({ owner, ttl, data }: DnsRecord): boolean {
    const start = this.#length;
    if (owner === undefined) this.#push16(QUESTION_NAME);
    else this.#pushName(owner);
    this.#push16(TYPE[data.type], CLASS.IN, ttl >>> 16, ttl & 0xffff, 0);
    const dataStart = this.#length;
    this.#pushData(data);
    this.#put16(dataStart - 2, this.#length - dataStart);
    if (this.#length <= this.#limit) return true;
    this.#length = start;
    for (const [name, at] of this.#names) if (at >= start) this.#names.delete(name);
    return false;
  }

  #pushData(data: RecordData): void {
    switch (data.type) {
      case 'A':
      case 'AAAA':
        this.#push(addressBytes(data.address) ?? []);
        break;
      case 'CNAME':
      case 'NS':
      case 'PTR':
        this.#pushName(data.target);
        break;
      case 'SRV':
        this.#push16(data.priority, data.weight, data.port);
        // RFC 2782: the target is not compressed.
        this.#pushLabels(data.target.split('.'));
        this.#push([0]);
        break;
      case 'TXT':
        for (const text of data.texts) this.#pushText(new TextEncoder().encode(text));
        break;
      case 'SOA':
        this.#pushSoa(data.soa);
        break;
    }
  }

  #pushSoa({ nameServer, mailbox, serial, refresh, retry, expire, negativeTtl }: StartOfAuthority): void {
    this.#pushName(nameServer);
    this.#pushName(mailbox);
    for (const value of [serial, refresh, retry, expire, negativeTtl]) this.#push16(value >>> 16, value & 0xffff);
  }

  #pushName(name: string): void {
    const labels = name.split('.');
    for (const [index, label] of labels.entries()) {
      const rest = labels.slice(index).join('.');
      const known = this.#names.get(rest);
      if (known !== undefined) {
        this.#push16(0xc000 | known);
        return;
      }
      if (this.#length <= LARGEST_POINTER) this.#names.set(rest, this.#length);
      this.#pushText(new TextEncoder().encode(label));
    }
    this.#push([0]);
  }

  #pushLabels(labels: readonly string[]): void {
    for (const label of labels) this.#pushText(new TextEncoder().encode(label));
  }

  #pushText(bytes: Uint8Array): void {
    this.#push([bytes.length]);
    this.#push(bytes);
  }

  /** The names that the question ends in, unless its labels hold what the dotted form cannot show. */
  #remember(labels: readonly string[]): void {
    if (labels.some((label) => !/^[\w-]+$/.test(label))) return;
    let at = HEADER_BYTES;
    for (const [index, label] of labels.entries()) {
      this.#names.set(labels.slice(index).join('.'), at);
      at += 1 + label.length;
    }
  }

  #push16(...values: readonly number[]): void {
    for (const value of values) this.#push([(value >> 8) & 0xff, value & 0xff]);
  }

  #put16(at: number, value: number): void {
    this.#bytes[at] = (value >> 8) & 0xff;
    this.#bytes[at + 1] = value & 0xff;
  }

  #push(bytes: ArrayLike<number>): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }
}
