import { HTTP2_LIMITS } from './limits.ts';

/** Bytes of a connection, without those of TLS. */
export interface ByteCounts {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** A frame of DATA has at least ten bytes for one of a body (RFC 9113 §6.1). */
const BYTES_FOR_ONE = 10;
/** For what was sent, a caller opens two windows by 13 bytes each: at the worst, for each frame of ten bytes. */
const BYTES_FOR_ONE_SENT = 4;
/** Frames of a request besides its fields: of its head, its reset and its end. */
const BYTES_OF_REQUEST = 128;

/**
 * What a caller sent that is neither request nor body: WINDOW_UPDATE, PRIORITY and the like. nghttp2 reads such frames and
 * tells nobody, so they are known by the bytes that nothing else explains. Envoy bounds them likewise, by what was sent
 * (`max_inbound_window_update_frames_per_data_frame_sent`).
 */
export class Overhead {
  readonly #connection: ByteCounts;
  readonly #before: number;
  #explained = 0;

  constructor(connection: ByteCounts) {
    this.#connection = connection;
    this.#before = connection.bytesRead;
  }

  /** The fields of a request came, or its trailers: so many bytes before they were compressed. */
  fields(bytes: number): void {
    this.#explained += BYTES_OF_REQUEST + 2 * bytes;
  }

  /** A body is over, and so many bytes of it were read: where that is not the whole, nobody knows how much more came. */
  body(bytes: number, isWhole: boolean): void {
    this.#explained += BYTES_FOR_ONE * bytes + (isWhole ? 0 : HTTP2_LIMITS.streamWindow);
  }

  /** Whether there is more than allowed. `underWay` counts bytes of bodies that are not over: only asked when it matters. */
  isTooMuch(underWay: () => number): boolean {
    const { bytesRead, bytesWritten } = this.#connection;
    const rest = bytesRead - this.#before - this.#explained - BYTES_FOR_ONE_SENT * bytesWritten;
    return rest > HTTP2_LIMITS.overhead && rest - BYTES_FOR_ONE * underWay() > HTTP2_LIMITS.overhead;
  }
}
