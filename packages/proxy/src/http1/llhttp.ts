import bytes from 'undici/lib/llhttp/llhttp_simd-wasm.js';

/** What llhttp calls while it executes; positions are of the chunk that is executed. What is returned steers it. */
export interface LlhttpCallbacks {
  url(at: number, length: number): void;
  headerField(at: number, length: number): void;
  headerValue(at: number, length: number): void;
  /** 1 says that no body follows whatever the headers say (the answer to HEAD), 2 that the connection changes its protocol. */
  headersComplete(statusCode: number, upgrade: boolean, shouldKeepAlive: boolean): 0 | 1 | 2;
  body(at: number, length: number): void;
  messageComplete(): void;
}

/** llhttp's own exports, as far as they are used. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_resume(parser: number): void;
  llhttp_resume_after_upgrade(parser: number): void;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
  malloc(size: number): number;
}

export const REQUEST = 1;
export const RESPONSE = 2;
export type MessageKind = typeof REQUEST | typeof RESPONSE;

/** Return codes of `llhttp_execute` that are no errors. */
export const OK = 0;
export const PAUSED = 21;
export const PAUSED_UPGRADE = 22;

/** Bytes handed to llhttp at a time; what a socket reads at most. */
export const MOST_BYTES = 65_536;

let current: LlhttpCallbacks | undefined;

/** What llhttp's parts call have the parser first; the one that runs is known. */
const imports = {
  env: {
    wasm_on_message_begin: () => OK,
    wasm_on_status: () => OK,
    wasm_on_url: (_: number, at: number, length: number) => {
      current?.url(at - scratchAt, length);
      return OK;
    },
    wasm_on_header_field: (_: number, at: number, length: number) => {
      current?.headerField(at - scratchAt, length);
      return OK;
    },
    wasm_on_header_value: (_: number, at: number, length: number) => {
      current?.headerValue(at - scratchAt, length);
      return OK;
    },
    wasm_on_headers_complete: (...[, status = 0, upgrade = 0, keepAlive = 0]: number[]) =>
      current?.headersComplete(status, upgrade === 1, keepAlive === 1) ?? OK,
    wasm_on_body: (_: number, at: number, length: number) => {
      current?.body(at - scratchAt, length);
      return OK;
    },
    // One message at a time: what follows waits until this one was dealt with.
    wasm_on_message_complete: () => {
      current?.messageComplete();
      return PAUSED;
    },
  },
};

const llhttp = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)), imports).exports as Exports;
llhttp._initialize();
const scratchAt = llhttp.malloc(MOST_BYTES);
let scratch = new Uint8Array(llhttp.memory.buffer, scratchAt, MOST_BYTES);

/** One parser of llhttp. Strict: nothing lenient is switched on. */
export class Llhttp {
  #parser: number;

  constructor(kind: MessageKind) {
    this.#parser = llhttp.llhttp_alloc(kind);
  }

  /** Parses at most `MOST_BYTES`. Returns OK, PAUSED (a message is complete), PAUSED_UPGRADE, or llhttp's code of an error. */
  execute(chunk: Uint8Array, callbacks: LlhttpCallbacks): number {
    if (scratch.byteLength === 0) scratch = new Uint8Array(llhttp.memory.buffer, scratchAt, MOST_BYTES);
    scratch.set(chunk);
    current = callbacks;
    try {
      return llhttp.llhttp_execute(this.#parser, scratchAt, chunk.length);
    } finally {
      current = undefined;
    }
  }

  /** Goes on after a message was complete. */
  resume(): void {
    llhttp.llhttp_resume(this.#parser);
  }

  /** Goes on with HTTP after a message that asked for another protocol and did not get it. */
  resumeAfterUpgrade(): void {
    llhttp.llhttp_resume_after_upgrade(this.#parser);
  }

  /** The other side has sent its last byte. Not OK where a message is cut off by that. */
  finish(callbacks: LlhttpCallbacks): number {
    current = callbacks;
    try {
      return llhttp.llhttp_finish(this.#parser);
    } finally {
      current = undefined;
    }
  }

  /** What was wrong, in llhttp's words. */
  get reason(): string {
    const at = llhttp.llhttp_get_error_reason(this.#parser);
    if (at === 0) return 'malformed message';
    const memory = new Uint8Array(llhttp.memory.buffer);
    return Buffer.from(memory.subarray(at, memory.indexOf(0, at))).toString('latin1');
  }

  /** Gives its memory back; it is not to be used again. */
  free(): void {
    if (this.#parser !== 0) llhttp.llhttp_free(this.#parser);
    this.#parser = 0;
  }

  /** Where the last execution stopped, from the start of its chunk; only after it did not return OK. */
  get stoppedAt(): number {
    return llhttp.llhttp_get_error_pos(this.#parser) - scratchAt;
  }
}
