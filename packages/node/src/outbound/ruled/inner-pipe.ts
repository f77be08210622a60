import { Duplex } from 'node:stream';

type Done = (error?: Error | null) => void;

/**
 * One end of a connection within the process. It has those methods of sockets that client libraries call without looking;
 * where there is no network, they have nothing to do.
 */
export class InnerPipe extends Duplex {
  readonly encrypted = true;
  readonly authorized = true;
  readonly alpnProtocol = false;
  readonly connecting = false;
  readonly remoteAddress = '127.0.0.1';
  readonly remoteFamily = 'IPv4';
  #other: InnerPipe | undefined;
  /** Calls back the other end's write once there is room. */
  #room: (() => void) | undefined;

  private constructor() {
    super({ allowHalfOpen: true });
  }

  static pair(): readonly [InnerPipe, InnerPipe] {
    const near = new InnerPipe();
    const far = new InnerPipe();
    near.#other = far;
    far.#other = near;
    return [near, far];
  }

  override _read(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    const other = this.#other;
    if (other === undefined || other.destroyed) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      return;
    }
    if (other.push(chunk)) done();
    else other.#room = done;
  }

  override _final(done: Done): void {
    if (this.#other?.destroyed === false) this.#other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const other = this.#other;
    this.#other = undefined;
    this.#room?.();
    // What was written before is still read there.
    if (other?.destroyed === false) {
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
