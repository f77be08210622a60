import bytes from 'undici/lib/llhttp/llhttp_simd-wasm.js';

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

/** What a parser found, in the order in which it did. */
export const Found = { url: 0, name: 1, value: 2, head: 3, body: 4, end: 5 } as const;

/** Of the numbers that `head` has for its second: bits. */
export const UPGRADE = 1;
export const KEEP_ALIVE = 2;

/** Numbers that a finding takes: what it is, then place and length in the chunk; of a head its status, and bits of the above. */
export const FINDING = 3;

/** What the headers of an answer mean for its body: nothing else, that none follows, or that bytes without HTTP do (2xx to CONNECT). */
export type Expectation = 'body' | 'no-body' | 'tunnel';

// llhttp calls for everything it finds, many times a message: what is found is put here, and read when llhttp is done.
const findings: number[] = [];
let count = 0;
let expectation: Expectation = 'body';

function found(what: number, first: number, second: number): 0 {
  findings[count] = what;
  findings[count + 1] = first;
  findings[count + 2] = second;
  count += FINDING;
  return OK;
}

/** What llhttp's parts call have the parser first; the one that runs is known. */
const imports = {
  env: {
    wasm_on_message_begin: () => OK,
    wasm_on_status: () => OK,
    wasm_on_url: (_: number, at: number, length: number) => found(Found.url, at - scratchAt, length),
    wasm_on_header_field: (_: number, at: number, length: number) => found(Found.name, at - scratchAt, length),
    wasm_on_header_value: (_: number, at: number, length: number) => found(Found.value, at - scratchAt, length),
    wasm_on_headers_complete: (...[, status = 0, upgrade = 0, keepAlive = 0]: number[]) => {
      found(Found.head, status, (upgrade === 1 ? UPGRADE : 0) | (keepAlive === 1 ? KEEP_ALIVE : 0));
      // 1 says that no body follows whatever the headers say, 2 that the connection changes its protocol.
      if (expectation === 'tunnel') return status >= 200 && status < 300 ? 2 : 0;
      return expectation === 'no-body' ? 1 : 0;
    },
    wasm_on_body: (_: number, at: number, length: number) => found(Found.body, at - scratchAt, length),
    // One message at a time: what follows waits until this one was dealt with.
    wasm_on_message_complete: () => {
      found(Found.end, 0, 0);
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
  execute(chunk: Uint8Array, expects: Expectation): number {
    if (scratch.byteLength === 0) scratch = new Uint8Array(llhttp.memory.buffer, scratchAt, MOST_BYTES);
    scratch.set(chunk);
    count = 0;
    expectation = expects;
    return llhttp.llhttp_execute(this.#parser, scratchAt, chunk.length);
  }

  /** Numbers that the last execution found, `FINDING` for each; to be read before anything else is parsed. */
  get found(): number {
    return count;
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
  finish(): number {
    count = 0;
    return llhttp.llhttp_finish(this.#parser);
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

/** One number of what the last execution found. */
export function finding(index: number): number {
  return findings[index] ?? 0;
}
