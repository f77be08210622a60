import type { Readable, Writable } from 'node:stream';

/** Up to here a request's body is kept, so that it can be sent again, or to somewhere else as well. */
const MOST_KEPT = 65_536;

/** A request's body on its way to the instance that is tried, kept while it may be needed again and is not too much. */
export class RequestBody {
  readonly #source: Readable;
  readonly #mostKept: number;
  #parts: Buffer[] | undefined = [];
  #target: Writable | undefined;
  #isComplete = false;
  readonly #whole: ((body: Buffer) => void)[] = [];
  readonly #tooMuch: (() => void)[] = [];
  bytes = 0;

  constructor(source: Readable, mostKept: number = MOST_KEPT) {
    this.#source = source;
    this.#mostKept = mostKept;
    source.on('data', (chunk: Buffer) => this.#came(chunk));
    source.on('end', () => this.#ended());
  }

  /** All that came is here. */
  get isKept(): boolean {
    return this.#parts !== undefined;
  }

  /** Sends it, from its beginning and as it comes, to the only one that is given it from now on. */
  sendTo(target: Writable): void {
    this.#target = target;
    target.on('drain', () => this.#source.resume());
    for (const part of this.#parts ?? []) target.write(part);
    if (this.#isComplete) target.end();
    else this.#source.resume();
  }

  /** What comes from now on waits for the next try. */
  detach(): void {
    this.#target = undefined;
  }

  /** It is not needed again. */
  forget(): void {
    this.#parts = undefined;
  }

  /** Calls back once the body is there as a whole; never, where it is too much to be kept. */
  whenWhole(callback: (body: Buffer) => void): void {
    if (!this.#isComplete) this.#whole.push(callback);
    else if (this.#parts !== undefined) callback(Buffer.concat(this.#parts));
  }

  /** The same; undefined, once it is too much to be kept. */
  whole(): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      this.#tooMuch.push(() => resolve(undefined));
      if (this.#parts === undefined) resolve(undefined);
      else this.whenWhole(resolve);
    });
  }

  #overflow(): void {
    this.#parts = undefined;
    for (const callback of this.#tooMuch.splice(0)) callback();
  }

  #came(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > this.#mostKept) this.#overflow();
    else this.#parts?.push(chunk);
    if (this.#target === undefined) {
      if (this.bytes > this.#mostKept) this.#source.pause();
    } else if (!this.#target.write(chunk)) this.#source.pause();
  }

  #ended(): void {
    this.#isComplete = true;
    if (this.#parts !== undefined) {
      const body = Buffer.concat(this.#parts);
      for (const callback of this.#whole) callback(body);
    }
    this.#target?.end();
  }
}
