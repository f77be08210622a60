import type { TextAndBytes } from '../../stream/byte-stream.ts';
import { HEADER_BYTES, type FrameType, FRAME } from './format.ts';

/** Memory of a quiet link, and of a busy one: all that leaves in one turn of the event loop lies in one piece of it. */
const FIRST_SLAB_BYTES = 4 * 1024;
const SLAB_BYTES = 96 * 1024;
/** A slab with less room than this is not carried over to the next turn. */
const WORTH_KEEPING = 1024;

const NOTHING: readonly Uint8Array[] = [];

/** Bytes that wait to be sent. */
export interface ByteSource {
  moveTo(target: Buffer, at: number, length: number): void;
}

/**
 * Gathers frames until they are taken, one behind the other in one buffer: TLS sends that without another copy, and several
 * parts only once it has put them together itself. Two buffers take turns, one to gather in while the other is written.
 */
export class FrameWriter {
  #slab: Buffer = Buffer.allocUnsafeSlow(FIRST_SLAB_BYTES);
  #start = 0;
  #end = 0;
  #full: Uint8Array[] = [];
  #fullBytes = 0;
  /** Handed out to be written, in whole or in part; not the present one. */
  #lent: Buffer | undefined;
  /** Held by nobody. */
  #spare: Buffer | undefined;

  /** Bytes gathered and not taken. */
  get pending(): number {
    return this.#fullBytes + this.#end - this.#start;
  }

  /** One DATA frame. */
  data(stream: number, chunk: Uint8Array): void {
    this.bytes(FRAME.DATA, stream, chunk);
  }

  /** One DATA frame of a text and of what follows it. */
  dataOf(stream: number, { text, parts, length }: TextAndBytes): void {
    let at = this.#header(FRAME.DATA, stream, length);
    at += this.#slab.write(text, at, 'latin1');
    for (const part of parts) {
      this.#slab.set(part, at);
      at += part.length;
    }
  }

  /** One DATA frame of the next bytes of a source that has as many. */
  dataFrom(stream: number, source: ByteSource, length: number): void {
    const at = this.#header(FRAME.DATA, stream, length);
    source.moveTo(this.#slab, at, length);
  }

  /** A frame without a payload. */
  empty(type: FrameType, stream: number): void {
    this.#header(type, stream, 0);
  }

  byte(type: FrameType, stream: number, value: number): void {
    const at = this.#header(type, stream, 1);
    this.#slab[at] = value;
  }

  word(type: FrameType, stream: number, value: number): void {
    const at = this.#header(type, stream, 4);
    this.#slab.writeUInt32BE(value, at);
  }

  bytes(type: FrameType, stream: number, payload: Uint8Array): void {
    const at = this.#header(type, stream, payload.length);
    this.#slab.set(payload, at);
  }

  /** Everything that was taken has been written and is held by nobody: its memory is used again. */
  rewind(): void {
    if (this.#full.length > 0) return;
    if (this.#lent !== undefined && this.#lent.length >= this.#slab.length) this.#spare = this.#lent;
    this.#lent = undefined;
    if (this.#end > this.#start) return;
    this.#start = 0;
    this.#end = 0;
  }

  /** What was gathered, in order. */
  take(): readonly Uint8Array[] {
    this.#cutSlab();
    if (this.#full.length === 0) return NOTHING;
    if (this.#spare !== undefined || this.#slab.length - this.#end < WORTH_KEEPING) this.#renew(0);
    const taken = this.#full;
    this.#full = [];
    this.#fullBytes = 0;
    return taken;
  }

  /** Writes a header, and makes room for the payload behind it. Returns where that begins in the slab. */
  #header(type: FrameType, stream: number, length: number): number {
    this.#reserve(HEADER_BYTES + length);
    const at = this.#end;
    this.#slab.writeUInt32BE(type * 0x1000000 + length, at);
    this.#slab.writeUInt32BE(stream, at + 4);
    this.#end = at + HEADER_BYTES + length;
    return at + HEADER_BYTES;
  }

  #refer(piece: Uint8Array): void {
    this.#full.push(piece);
    this.#fullBytes += piece.length;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#slab.length) return;
    this.#cutSlab();
    this.#renew(bytes);
  }

  /** What was written into the slab so far is a part. */
  #cutSlab(): void {
    if (this.#end > this.#start) this.#refer(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  /** Another slab: the spare one where there is one, else one that is larger than the last, for so many bytes at least. */
  #renew(bytes: number): void {
    this.#lent = this.#slab;
    const spare = this.#spare !== undefined && this.#spare.length >= bytes ? this.#spare : undefined;
    this.#spare = undefined;
    this.#slab = spare ?? Buffer.allocUnsafeSlow(Math.min(SLAB_BYTES, Math.max(this.#slab.length * 4, bytes)));
    this.#start = 0;
    this.#end = 0;
  }
}
