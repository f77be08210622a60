/** What is known of a connection once its handshake is over. */
export interface ConnectionAttributes {
  /** Verified identity of the peer without its scheme ("cluster.local/ns/default/sa/users-api"); undefined on plaintext. */
  readonly principal: string | undefined;
  /** Peer address, without port. */
  readonly sourceIp: string;
  /** Address of the client, as a trusted load balancer in front has told it (PROXY protocol); absent: the peer's own. */
  readonly clientIp?: string;
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
  /** What RequestAuthentication has verified; undefined when the request carries no token. */
  readonly token: TokenFacts | undefined;
  /** Address of the client, as far back as proxies are trusted; the peer's own address when none is. */
  readonly remoteIp: string;
  /** Value of a header by lower-case name; several values joined with ",". `:path` is the normalised path with its query. */
  header(name: string): string | undefined;
}

/** A verified JSON Web Token (RFC 7519), as policies see it. */
export interface TokenFacts {
  /** "iss/sub". */
  readonly principal: string;
  readonly issuer: string;
  readonly subject: string;
  /** The whole payload, unchanged. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Claims that are lists written with spaces, besides `scope` and `permission`, which always are. */
  readonly spaceDelimitedClaims: readonly string[];
}
