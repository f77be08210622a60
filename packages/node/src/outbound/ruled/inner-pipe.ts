import { Duplex } from 'node:stream';

export type Done = (error?: Error | null) => void;

/** Stands in the place of the other end, until that is left to what follows. */
export interface PipeTaker {
  /** Nothing of what was written waits. */
  readonly isFree: boolean;
  /** `text`: a character for each byte. */
  write(text: string, done: Done): void;
  /** There is room again for what is pushed. */
  resume(): void;
  /** Nothing more is written. */
  ended(): void;
  closed(): void;
}

/** Encodings in which each character stands for a byte. */
const BYTES: ReadonlySet<string> = new Set(['latin1', 'binary', 'ascii']);

/**
 * One end of a connection within the process. It has those methods of sockets that client libraries call without looking;
 * where there is no network, they have nothing to do.
 */
export class InnerPipe extends Duplex {
  readonly encrypted = true;
  readonly authorized = true;
  alpnProtocol: string | false = false;
  readonly connecting = false;
  readonly remoteAddress = '127.0.0.1';
  readonly remoteFamily = 'IPv4';
  #other: InnerPipe | undefined;
  /** Calls back the other end's write once there is room. */
  #room: (() => void) | undefined;
  #taker: PipeTaker | undefined;
  /** Nothing has come since whoever reads found nothing. */
  #isDrained = false;
  /** What has come since, for whoever reads at once. */
  #fresh: Buffer | undefined;
  readonly #written: Done = (error) => {
    if (error != null) this.destroy(error);
  };

  private constructor() {
    super({ allowHalfOpen: true, decodeStrings: false });
  }

  static pair(): readonly [InnerPipe, InnerPipe] {
    const near = new InnerPipe();
    const far = new InnerPipe();
    near.#other = far;
    far.#other = near;
    return [near, far];
  }

  /** Nothing that is written from now on comes to the other end. */
  takenBy(taker: PipeTaker): void {
    this.#taker = taker;
  }

  /** What is written goes to the other end again, and what was written and not answered first of all. */
  leave(text: string, done: Done): void {
    this.#taker = undefined;
    this._write(Buffer.from(text, 'latin1'), 'latin1', done);
  }

  /** Past the queues of streams where nothing waits in them, as is usual. */
  override write(chunk: unknown, ...more: unknown[]): boolean {
    const [encoding, callback] = more;
    const taker = this.#taker;
    const isPlain = typeof chunk === 'string' && encoding === 'latin1' && callback === undefined;
    const isNext = this.writableLength === 0 && this.writableCorked === 0 && !this.writableEnded && !this.destroyed;
    if (taker?.isFree !== true || !isPlain || !isNext)
      return Reflect.apply(super.write, this, [chunk, ...more]) === true;
    taker.write(chunk, this.#written);
    return true;
  }

  /** Past the queues of streams to whoever reads as soon as there is something, as undici does. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    const isAwaited = this.#isDrained && this.#taker !== undefined && this.readableFlowing === false;
    this.#isDrained = false;
    if (!isAwaited || this.destroyed || this.readableEncoding !== null || !Buffer.isBuffer(chunk))
      return super.push(chunk, encoding);
    this.#fresh = chunk;
    this.emit('readable');
    if (this.#fresh === undefined) return true;
    this.#fresh = undefined;
    return super.push(chunk);
  }

  override unshift(chunk: unknown, encoding?: BufferEncoding): void {
    this.#isDrained = false;
    super.unshift(chunk, encoding);
  }

  override read(size?: number): unknown {
    if (size !== undefined) return super.read(size);
    const fresh = this.#fresh;
    if (fresh !== undefined) {
      this.#fresh = undefined;
      this.#isDrained = true;
      return fresh;
    }
    if (this.#isDrained) return null;
    const read: unknown = super.read();
    this.#isDrained = read === null && this.readableLength === 0 && !this.readableEnded;
    return read;
  }

  override _read(): void {
    this.#taker?.resume();
    const room = this.#room;
    this.#room = undefined;
    room?.();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    if (this.#taker !== undefined) {
      this.#taker.write(bytesOf(chunk, encoding), done);
      return;
    }
    const other = this.#other;
    if (other === undefined || other.destroyed) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      return;
    }
    if (other.push(chunk, encoding)) done();
    else other.#room = done;
  }

  override _final(done: Done): void {
    if (this.#taker !== undefined) this.#taker.ended();
    else if (this.#other?.destroyed === false) this.#other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const other = this.#other;
    this.#other = undefined;
    this.#room?.();
    const taker = this.#taker;
    this.#taker = undefined;
    taker?.closed();
    // Nobody is there yet to be told of an error.
    if (taker !== undefined) other?.destroy();
    // What was written before is still read there.
    else if (other?.destroyed === false) {
      if (other.readableEnded || this.writableFinished) other.push(null);
      else other.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    }
    done(error);
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

function bytesOf(chunk: Buffer | string, encoding: BufferEncoding): string {
  if (typeof chunk !== 'string') return chunk.toString('latin1');
  return BYTES.has(encoding) ? chunk : Buffer.from(chunk, encoding).toString('latin1');
}
