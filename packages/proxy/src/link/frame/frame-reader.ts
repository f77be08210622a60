import { FRAME, FRAME_SHAPES, HEADER_BYTES, LAST_STREAM } from './format.ts';

/** Takes what one DATA frame carries, in one piece or several. */
export interface DataTaker {
  take(piece: Buffer): void;
}

/** What a reader finds. Any of its methods may stop the reader. */
export interface FrameSink {
  /** A DATA frame of `length` bytes begins. Its bytes go to what is returned; to nobody when that is undefined. */
  dataBegins(stream: number, length: number): DataTaker | undefined;
  /** Any other frame. The payload is valid during the call. */
  frame(type: number, stream: number, payload: Buffer): void;
  /** No frame of the protocol: the reader has stopped. */
  malformed(problem: string): void;
}

const NOTHING = Buffer.alloc(0);
const BAD = 0;
const STREAM = 1;
const SESSION = 2;

/** By type, so that the loop looks nothing up in a map. */
const about = new Uint8Array(256).map((_, type) => {
  const shape = FRAME_SHAPES.get(type);
  return shape === undefined ? BAD : shape.about === 'stream' ? STREAM : SESSION;
});
const shortest = new Uint16Array(256).map((_, type) => FRAME_SHAPES.get(type)?.shortest ?? 0);
const longest = new Uint16Array(256).map((_, type) => FRAME_SHAPES.get(type)?.longest ?? 0);

/**
 * Reads frames from bytes cut anywhere. Bodies of DATA are handed on as they come, as parts of what was pushed: nothing
 * is held but a header or the payload of one control frame.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  /** A header, or the payload of a control frame, of which the rest has not come. */
  readonly #part: Buffer = Buffer.alloc(HEADER_BYTES);
  #partLength = 0;
  #payload: Buffer | undefined;
  #payloadLength = 0;
  #type = 0;
  #stream = 0;
  /** Bytes of a DATA frame that are still to come, and who takes them. */
  #dataLeft = 0;
  #taker: DataTaker | undefined;
  #hasStopped = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Nothing more is read, not even what is left of the chunk under way. */
  stop(): void {
    this.#hasStopped = true;
    this.#taker = undefined;
    this.#payload = undefined;
  }

  push(chunk: Buffer): void {
    if (this.#hasStopped) return;
    let at = 0;
    const end = chunk.length;
    if (this.#dataLeft > 0) at = this.#data(chunk, 0);
    else if (this.#payload !== undefined) at = this.#control(chunk, this.#payload);
    else if (this.#partLength > 0) at = this.#head(chunk);
    while (at < end && !this.#hasStopped) {
      if (end - at < HEADER_BYTES) {
        chunk.copy(this.#part, 0, at, end);
        this.#partLength = end - at;
        return;
      }
      at = this.#accepts(chunk.readUInt32BE(at), chunk.readUInt32BE(at + 4))
        ? this.#body(chunk, at + HEADER_BYTES)
        : end;
    }
  }

  /** Goes on with a header of which a part has come. Returns how far it got in the chunk. */
  #head(chunk: Buffer): number {
    const copied = chunk.copy(this.#part, this.#partLength, 0, HEADER_BYTES - this.#partLength);
    this.#partLength += copied;
    if (this.#partLength < HEADER_BYTES) return copied;
    this.#partLength = 0;
    if (!this.#accepts(this.#part.readUInt32BE(0), this.#part.readUInt32BE(4))) return chunk.length;
    return this.#body(chunk, copied);
  }

  #accepts(word: number, stream: number): boolean {
    const type = word >>> 24;
    const length = word & 0xffff;
    const kind = about[type] ?? BAD;
    if (kind === BAD) return this.#refuses(`frame of unknown type ${type}`);
    if ((word & 0xff0000) !== 0) return this.#refuses(`frame of type ${type} with flags`);
    if (length < (shortest[type] ?? 0) || length > (longest[type] ?? 0))
      return this.#refuses(`frame of type ${type} with a payload of ${length} bytes`);
    if (kind === SESSION ? stream !== 0 : stream === 0 || stream > LAST_STREAM)
      return this.#refuses(`frame of type ${type} about stream ${stream}`);
    this.#type = type;
    this.#stream = stream;
    this.#payloadLength = length;
    return true;
  }

  #refuses(problem: string): false {
    this.stop();
    this.#sink.malformed(problem);
    return false;
  }

  /** Begins the payload of the frame whose header was read. Returns how far it got in the chunk. */
  #body(chunk: Buffer, at: number): number {
    const length = this.#payloadLength;
    if (this.#type === FRAME.DATA) {
      this.#dataLeft = length;
      this.#taker = this.#sink.dataBegins(this.#stream, length);
      return at < chunk.length ? this.#data(chunk, at) : at;
    }
    if (length <= chunk.length - at) {
      this.#sink.frame(this.#type, this.#stream, length === 0 ? NOTHING : chunk.subarray(at, at + length));
      return at + length;
    }
    this.#payload = Buffer.allocUnsafe(length);
    this.#payloadLength = chunk.copy(this.#payload, 0, at);
    return chunk.length;
  }

  #data(chunk: Buffer, at: number): number {
    const length = Math.min(this.#dataLeft, chunk.length - at);
    this.#dataLeft -= length;
    this.#taker?.take(chunk.subarray(at, at + length));
    return at + length;
  }

  /** Goes on with the payload of a control frame. */
  #control(chunk: Buffer, payload: Buffer): number {
    const copied = chunk.copy(payload, this.#payloadLength, 0);
    this.#payloadLength += copied;
    if (this.#payloadLength < payload.length) return copied;
    this.#payload = undefined;
    this.#sink.frame(this.#type, this.#stream, payload);
    return copied;
  }
}
