import { createHmac, timingSafeEqual } from 'node:crypto';
import type { RevocationAct } from '@rampart/authority';

/** How far a chain has come: number of its lines, and what the last of them is sealed with. */
export interface ChainHead {
  readonly count: number;
  /** Hex. */
  readonly seal: string;
}

/** That a file took the place of a longer one: its first line after the header. */
export interface Compaction {
  readonly kind: 'compaction';
  /** What had no effect since before this, Unix milliseconds, was left out. */
  readonly endedBefore: number;
  /** How far the file before had come. */
  readonly replaced: ChainHead;
  /** Acts that were kept. */
  readonly kept: number;
}

/** The lines of a revocation file that are sound, from the first on. */
export interface SoundLines {
  readonly compaction: Compaction | undefined;
  readonly acts: readonly RevocationAct[];
  /** Seal of each line, the header's first. */
  readonly seals: readonly string[];
  /** Bytes of them. */
  readonly length: number;
  /** Bytes after them. */
  readonly rest: number;
}

const SEAL_HEX = 64;
const NEWLINE = 0x0a;

/**
 * Seals the lines of a revocation file: each with HMAC-SHA-256 over the seal before it and its own text, so that no line can be
 * changed, left out, moved or added without the key.
 */
export class EpochChain {
  readonly #key: Uint8Array;
  readonly #header: string;

  constructor(key: Uint8Array, trustDomain: string) {
    this.#key = key;
    this.#header = `rampart revocations 1 ${trustDomain}`;
  }

  /** The first line, with its end. */
  get headerLine(): string {
    return `${this.start} ${this.#header}\n`;
  }

  /** Seal of the first line. */
  get start(): string {
    return this.#seal('', this.#header);
  }

  /** The line of an act, with its end. */
  line(before: string, act: RevocationAct | Compaction): { readonly text: string; readonly seal: string } {
    const json = JSON.stringify(act);
    const seal = this.#seal(before, json);
    return { text: `${seal} ${json}\n`, seal };
  }

  /** Undefined when the header is not that of this chain. */
  read(bytes: Uint8Array): SoundLines | undefined {
    const header = Buffer.from(this.headerLine);
    if (Buffer.compare(bytes.subarray(0, header.length), header) !== 0) return undefined;
    const entries: (RevocationAct | Compaction)[] = [];
    const seals = [this.start];
    let length = header.length;
    for (let end = bytes.indexOf(NEWLINE, length); end !== -1; end = bytes.indexOf(NEWLINE, length)) {
      const text = Buffer.from(bytes.subarray(length, end)).toString('utf8');
      const seal = this.#seal(seals.at(-1) ?? '', text.slice(SEAL_HEX + 1));
      if (!isSame(text.slice(0, SEAL_HEX), seal)) break;
      entries.push(JSON.parse(text.slice(SEAL_HEX + 1)) as RevocationAct | Compaction);
      seals.push(seal);
      length = end + 1;
    }
    const acts = entries.filter((entry) => entry.kind !== 'compaction');
    const compaction = entries.find((entry) => entry.kind === 'compaction');
    return { compaction, acts, seals, length, rest: bytes.length - length };
  }

  /** A whole file. */
  text(entries: readonly (RevocationAct | Compaction)[]): { readonly text: string; readonly head: ChainHead } {
    let seal = this.start;
    const lines = [this.headerLine];
    for (const entry of entries) {
      const line = this.line(seal, entry);
      seal = line.seal;
      lines.push(line.text);
    }
    return { text: lines.join(''), head: { count: entries.length, seal } };
  }

  headText({ count, seal }: ChainHead): string {
    return `${count} ${seal} ${this.#seal('head', `${count} ${seal}`)}\n`;
  }

  /** Undefined when nobody with the key wrote it. */
  readHead(text: string): ChainHead | undefined {
    const [count = '', seal = '', own = ''] = text.trimEnd().split(' ');
    if (!isSame(own, this.#seal('head', `${count} ${seal}`))) return undefined;
    return { count: Number(count), seal };
  }

  #seal(before: string, text: string): string {
    return createHmac('sha256', this.#key).update(`${before}\n${text}`).digest('hex');
  }
}

function isSame(given: string, seal: string): boolean {
  const bytes = Buffer.from(given);
  return bytes.length === seal.length && timingSafeEqual(bytes, Buffer.from(seal));
}
