/** What is known of a connection once its handshake is over. */
export interface ConnectionAttributes {
  /** Verified identity of the peer without its scheme ("cluster.local/ns/default/sa/users-api"); undefined on plaintext. */
  readonly principal: string | undefined;
  /** Peer address, without port. */
  readonly sourceIp: string;
  readonly destinationIp: string;
  /** Port the workload listens on. */
  readonly destinationPort: number;
  /** Server name the client asked for; "" when none. */
  readonly sni: string;
}

/** What is known of an HTTP request, after path normalisation. */
export interface RequestAttributes {
  readonly method: string;
  /** Normalised path without query and fragment. */
  readonly path: string;
  /** Full authority, port included. */
  readonly host: string;
  /** Value of a header by lower-case name; several values joined with ",". */
  header(name: string): string | undefined;
}
