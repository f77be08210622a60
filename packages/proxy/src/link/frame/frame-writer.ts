import { HEADER_BYTES, type FrameType, FRAME } from './format.ts';

const SLAB_BYTES = 64 * 1024;
/** A slab with less room than this is not carried over to the next turn. */
const WORTH_KEEPING = 4 * 1024;

/** What can copy its bytes into a buffer. */
export interface ByteSource {
  moveTo(target: Buffer, at: number, length: number): void;
}

/**
 * Gathers frames until they are taken, headers written in place. Everything is copied: TLS copies what is written in
 * several parts anyway, so that one buffer for all costs the same copy and a single write.
 */
export class FrameWriter {
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #start = 0;
  #end = 0;
  #full: Buffer[] = [];
  #fullBytes = 0;

  /** Bytes gathered and not taken. */
  get pending(): number {
    return this.#fullBytes + this.#end - this.#start;
  }

  data(stream: number, chunk: Uint8Array): void {
    const at = this.#header(FRAME.DATA, stream, chunk.length);
    this.#slab.set(chunk, at);
  }

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

  /** What was gathered, in order. */
  take(): readonly Buffer[] {
    if (this.#end > this.#start) this.#full.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
    if (SLAB_BYTES - this.#end < WORTH_KEEPING) this.#renew();
    const taken = this.#full;
    this.#full = [];
    this.#fullBytes = 0;
    return taken;
  }

  /** Writes a header, and makes room for the payload behind it. Returns where that begins. */
  #header(type: FrameType, stream: number, length: number): number {
    if (this.#end + HEADER_BYTES + length > SLAB_BYTES) this.#turnOver();
    const at = this.#end;
    this.#slab.writeUInt32BE(type * 0x1000000 + length, at);
    this.#slab.writeUInt32BE(stream, at + 4);
    this.#end = at + HEADER_BYTES + length;
    return at + HEADER_BYTES;
  }

  #turnOver(): void {
    if (this.#end > this.#start) {
      this.#full.push(this.#slab.subarray(this.#start, this.#end));
      this.#fullBytes += this.#end - this.#start;
    }
    this.#renew();
  }

  #renew(): void {
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#start = 0;
    this.#end = 0;
  }
}
