declare module 'undici/lib/llhttp/llhttp_simd-wasm.js' {
  import type { Buffer } from 'node:buffer';

  /** llhttp compiled to WebAssembly. */
  const bytes: Buffer;
  export default bytes;
}

/** What is used of the WebAssembly JavaScript API, which the types of Node leave to those of browsers. */
declare namespace WebAssembly {
  const Module: new (bytes: Uint8Array) => object;
  const Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, (...values: number[]) => number>>>>,
  ) => { readonly exports: unknown };
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
}
