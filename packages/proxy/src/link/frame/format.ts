/** What two proxies agree on when both offer it, and what the version of the frames is. */
export const LINK_ALPN = 'rampart-link/1';

/** Type (1 byte), flags (1 byte, all zero), length of the payload (2 bytes), stream (4 bytes); all big-endian. */
export const HEADER_BYTES = 8;

/** With its header, the longest DATA frame fills one TLS record (RFC 8446, section 5.1: 2^14 bytes) exactly. */
export const LONGEST_DATA: number = 16_384 - HEADER_BYTES;

/** What OPEN carries beside its metadata: protocol (1 byte), zero (1 byte), port (2 bytes). */
export const OPEN_BYTES = 4;
/** Bytes that the opener may tell the other side about a stream. */
export const LONGEST_METADATA = 1024;

/** What each side may count on before it has heard the other's HELLO. A HELLO announces this much or more. */
export const ASSUMED = { streams: 128, window: 65_536 } as const;

/** Credit beyond this is an overflow, as in RFC 9113, section 6.9.1. */
export const MOST_CREDIT: number = 2 ** 31 - 1;
export const LAST_STREAM: number = 2 ** 31 - 1;

export const HELLO_BYTES = 8;

export const FRAME = {
  HELLO: 1,
  OPEN: 2,
  DATA: 3,
  END: 4,
  RESET: 5,
  WINDOW: 6,
  PING: 7,
  PONG: 8,
  GOAWAY: 9,
} as const;

export type FrameName = keyof typeof FRAME;
export type FrameType = (typeof FRAME)[FrameName];

interface FrameShape {
  readonly name: FrameName;
  /** About one stream, or about the session: then its stream is 0. */
  readonly about: 'stream' | 'session';
  readonly shortest: number;
  readonly longest: number;
}

const shapes: readonly FrameShape[] = [
  { name: 'HELLO', about: 'session', shortest: HELLO_BYTES, longest: 256 },
  { name: 'OPEN', about: 'stream', shortest: OPEN_BYTES, longest: OPEN_BYTES + LONGEST_METADATA },
  { name: 'DATA', about: 'stream', shortest: 1, longest: LONGEST_DATA },
  { name: 'END', about: 'stream', shortest: 0, longest: 0 },
  { name: 'RESET', about: 'stream', shortest: 1, longest: 1 },
  { name: 'WINDOW', about: 'stream', shortest: 4, longest: 4 },
  { name: 'PING', about: 'session', shortest: 8, longest: 8 },
  { name: 'PONG', about: 'session', shortest: 8, longest: 8 },
  { name: 'GOAWAY', about: 'session', shortest: 1, longest: 1 },
];

/** By type. A type that is not here is a protocol error. */
export const FRAME_SHAPES: ReadonlyMap<number, FrameShape> = new Map(shapes.map((shape) => [FRAME[shape.name], shape]));

export const PROTOCOL_CODES = { 'http/1.1': 1, h2: 2, tcp: 3 } as const;

/** What a stream carries: what the accepting side is to speak on it. */
export type LinkProtocol = keyof typeof PROTOCOL_CODES;
