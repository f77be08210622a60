/** A request to somebody outside the mesh: an issuer of tokens, a cloud. */
export interface OutsideRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** PEM roots that its certificate chains to; those of the system where absent. */
  readonly roots?: string;
}

export interface OutsideAnswer {
  readonly status: number;
  readonly text: string;
}

/** Asks once, follows no redirect, and rejects with an `Error` that says where and why it did not get a whole answer. */
export type AskOutside = (request: OutsideRequest) => Promise<OutsideAnswer>;
