import type { IncomingHttpHeaders } from 'node:http';

/**
 * The head of a request in the shape that Node's `IncomingMessage` has, whatever it was read with: policy sees the same
 * request in process, behind a sidecar and over HTTP/2.
 */
export interface RequestMessage {
  readonly method?: string | undefined;
  /** The request target as received, and later as the application gets it. */
  url?: string | undefined;
  /** "1.1" */
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
  headersDistinct: NodeJS.Dict<string[]>;
  /** Names and values in turn, as received. */
  readonly rawHeaders: string[];
  /** There where looking at one header is cheaper than making all views of all of them. */
  readonly access?: HeaderAccess;
}

/** Headers one by one. Names are in lower case, of letters, digits and "-". */
export interface HeaderAccess {
  /** What `headers` has for it, several values of Set-Cookie joined. */
  text(name: string): string | undefined;
  /** Whether a header has that name, or one that gateways make the same of: "_" for "-" (RFC 3875 §4.1.18). */
  hasSpelling(name: string): boolean;
  /** Whether more than one header has that name. */
  hasSeveral(name: string): boolean;
  /** Adds a header that is not there yet, in all views. */
  add(name: string, value: string): void;
}
