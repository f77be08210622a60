import type { Ending } from '@rampart/mesh';

import type { ByteStream } from '../stream/byte-stream.ts';

/** Where an application wants to go: by a name, or by an address. */
export interface Destination {
  /** A name as the application gave it, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A connection that an application of this host has opened, and that its sidecar got instead. */
export interface CapturedConnection {
  /** From the application: paused, and nothing read of it beyond `head`. */
  readonly stream: ByteStream;
  /** Bytes that were read already; may be empty. */
  readonly head: Buffer;
  readonly destination: Destination;
  /**
   * Tells the application, where there is a way to, that its connection is there. To be called once, before anything is
   * written; not before the other side is known, where one waits for it.
   */
  accept(): void;
  /** Tells the application, where there is a way to, why its connection cannot be, and ends it. Instead of `accept`. */
  refuse(ending: Ending): void;
}

/** What takes captured connections further: the outbound half of the pipeline. */
export interface OutboundDoor {
  connected(connection: CapturedConnection): void;
}
