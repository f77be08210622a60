/** One end of the connection that a call came on. */
export interface CallEnd {
  /** SPIFFE ID; "" on plaintext. */
  readonly principal: string;
  /** IP address without brackets. */
  readonly address: string;
  readonly port: number;
}

/** First bytes of a request's body. */
export interface BodyPeek {
  readonly bytes: Uint8Array;
  /** True when there is no more of it. */
  readonly complete: boolean;
}

/** The HTTP request that an authorizer is asked about, as the application would get it. */
export interface HttpCall {
  readonly requestId: string;
  readonly method: string;
  /** Request target after normalisation, with query. */
  readonly target: string;
  readonly host: string;
  readonly scheme: 'http' | 'https';
  /** "HTTP/1.1". */
  readonly protocol: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** Names and values in turn, as Node gives them. */
  readonly rawHeaders: readonly string[];
  /** Reads at most `limit` bytes ahead and leaves the body whole for whoever reads it next; undefined for a request without one. */
  readonly peekBody: ((limit: number, signal: AbortSignal) => Promise<BodyPeek>) | undefined;
}

/** What an external authorizer is asked about. */
export interface AuthorizerCall {
  readonly source: CallEnd;
  readonly destination: CallEnd;
  /** Undefined for a connection that carries something else than HTTP. */
  readonly http: HttpCall | undefined;
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal;
}
