import { HEADER_BYTES, type FrameType, FRAME } from './format.ts';

/** Memory of a quiet link, and of a busy one. */
const FIRST_SLAB_BYTES = 4 * 1024;
const SLAB_BYTES = 64 * 1024;
/** A slab with less room than this is not carried over to the next turn. */
const WORTH_KEEPING = 1024;

/** Payloads from here on are handed on as they are: one more part of a write costs less than copying them. */
const WORTH_REFERRING = 8 * 1024;

/** Bytes that wait to be sent. */
export interface ByteSource {
  /** The next bytes, at most so many. */
  shift(longest: number): Buffer | undefined;
  moveTo(target: Buffer, at: number, length: number): void;
}

/**
 * Gathers frames until they are taken. Headers are written in place, small payloads are copied behind them into one buffer,
 * large ones are parts of their own.
 */
export class FrameWriter {
  #slab: Buffer = Buffer.allocUnsafeSlow(FIRST_SLAB_BYTES);
  #start = 0;
  #end = 0;
  #full: Uint8Array[] = [];
  #fullBytes = 0;

  /** Bytes gathered and not taken. */
  get pending(): number {
    return this.#fullBytes + this.#end - this.#start;
  }

  /** One DATA frame. A large chunk must not change before it is sent. */
  data(stream: number, chunk: Uint8Array): void {
    if (chunk.length < WORTH_REFERRING) {
      this.bytes(FRAME.DATA, stream, chunk);
      return;
    }
    this.#headerAlone(stream, chunk.length);
    this.#refer(chunk);
  }

  /** One DATA frame of the next bytes of a source that has as many. */
  dataFrom(stream: number, source: ByteSource, length: number): void {
    if (length < WORTH_REFERRING) {
      const at = this.#header(FRAME.DATA, stream, length);
      source.moveTo(this.#slab, at, length);
      return;
    }
    this.#headerAlone(stream, length);
    for (let left = length; left > 0;) {
      const piece = source.shift(left);
      if (piece === undefined) return;
      this.#refer(piece);
      left -= piece.length;
    }
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
    if (this.#end > this.#start || this.#full.length > 0) return;
    this.#start = 0;
    this.#end = 0;
  }

  /** What was gathered, in order. */
  take(): readonly Uint8Array[] {
    this.#cutSlab();
    if (this.#slab.length - this.#end < WORTH_KEEPING) this.#renew(0);
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

  /** The header of a DATA frame whose payload is not copied. */
  #headerAlone(stream: number, length: number): void {
    this.#reserve(HEADER_BYTES);
    this.#slab.writeUInt32BE(FRAME.DATA * 0x1000000 + length, this.#end);
    this.#slab.writeUInt32BE(stream, this.#end + 4);
    this.#end += HEADER_BYTES;
    this.#cutSlab();
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

  /** Another slab, larger than the last one, for so many bytes at least. */
  #renew(bytes: number): void {
    this.#slab = Buffer.allocUnsafeSlow(Math.min(SLAB_BYTES, Math.max(this.#slab.length * 4, bytes)));
    this.#start = 0;
    this.#end = 0;
  }
}
