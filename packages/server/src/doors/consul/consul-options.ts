/** Where clients of Consul find the registry. */
export interface ConsulOptions {
  /** Plain HTTP, always on loopback, because tokens travel in it; closed unless given. 0 takes a free one. */
  readonly httpPort?: number;
  /** HTTPS where the API listens, with its certificate, and client certificates of this mesh; closed unless given. */
  readonly httpsPort?: number;
  /** "dc1" unless given. */
  readonly datacenter?: string;
  /** Namespace of calls that name none; "default" unless given. */
  readonly namespace?: string;
}
