import type { ClientSessionOptions, ServerSessionOptions } from 'node:http2';

/** What one connection of HTTP/2 may make this process hold and do. */
export const HTTP2_LIMITS = {
  /** Requests at a time (SETTINGS_MAX_CONCURRENT_STREAMS). */
  streams: 256,
  /** Bytes of one stream that may be on their way before its reader took them. */
  streamWindow: 262_144,
  /** The same until the caller has taken note of that (RFC 9113 §6.9.2). */
  usualWindow: 65_535,
  /** Bytes of all streams together; they are taken in at once, so that no stream can use it up. */
  sessionWindow: 16_777_216,
  /** Bytes of a request's headers, and their number: Envoy's, as for HTTP/1.1. More is answered with 431. */
  headBytes: 61_440,
  headers: 100,
  /** SETTINGS_MAX_HEADER_LIST_SIZE: what is between the two limits can still be answered. */
  mostHeadBytes: 131_072,
  /** Beyond it the stream is reset unread. */
  mostHeaders: 400,
  /** A second. */
  pings: 1_000,
  settings: 100,
  /** Bytes of WINDOW_UPDATE, PRIORITY and the like, beyond what requests, bodies and answers explain. */
  overhead: 131_072,
  /** Frames that make no sense where they come, among them DATA without data. */
  invalidFrames: 1_000,
  /** Streams that are reset unread. */
  rejectedStreams: 100,
  /** Megabytes that a session may hold: beyond it, it takes no more streams. */
  memoryMegabytes: 64,
  /** RST_STREAM frames: at once, and a second. */
  resetBurst: 5_000,
  resetRate: 1_000,
  /** From so many requests on, a caller that takes back most of them before they are answered is given up (CVE-2023-44487). */
  judgedAfter: 500,
} as const;

const SETTINGS = {
  enablePush: false,
  initialWindowSize: HTTP2_LIMITS.streamWindow,
  maxHeaderListSize: HTTP2_LIMITS.mostHeadBytes,
} as const;

const SESSION: ClientSessionOptions = {
  maxSessionMemory: HTTP2_LIMITS.memoryMegabytes,
  maxHeaderListPairs: HTTP2_LIMITS.mostHeaders,
  settings: SETTINGS,
};

/** How requests are taken. */
export const SERVER_SESSION: ServerSessionOptions = {
  ...SESSION,
  settings: { ...SETTINGS, maxConcurrentStreams: HTTP2_LIMITS.streams },
  maxSessionInvalidFrames: HTTP2_LIMITS.invalidFrames,
  maxSessionRejectedStreams: HTTP2_LIMITS.rejectedStreams,
  streamResetBurst: HTTP2_LIMITS.resetBurst,
  streamResetRate: HTTP2_LIMITS.resetRate,
  strictSingleValueFields: false,
};

/** How they are sent. */
export const CLIENT_SESSION: ClientSessionOptions & { readonly peerMaxConcurrentStreams: number } = {
  ...SESSION,
  // What RFC 9113 §6.5.2 asks servers to allow at least, until they have said.
  peerMaxConcurrentStreams: 100,
  maxReservedRemoteStreams: 0,
};
