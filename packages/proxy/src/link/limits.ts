import { ASSUMED } from './frame/format.ts';

/** What one side of a link takes from the other. Beyond it streams are refused, or the session ends. */
export interface LinkLimits {
  /** Streams that the other side may have open at a time. At least 128. */
  readonly streams: number;
  /** Bytes that each stream may have on the way to begin with. At least 64 KiB. */
  readonly window: number;
  /** Bytes to which the window of a fast stream grows: 16 MiB keep 1 Gbit/s over 40 ms busy three times over. */
  readonly largestWindow: number;
  /** Bytes by which all windows together may have grown. A session buffers `streams` × `window` + this at most. */
  readonly extraWindow: number;
  /** Bytes that may wait to be sent before `write` says false: of one stream, and of all together. */
  readonly streamBacklog: number;
  readonly sessionBacklog: number;
  /** Frames a second. Streams beyond `opens` are refused; twice that, and any other beyond its limit, ends the session. */
  readonly opens: number;
  readonly resets: number;
  readonly pings: number;
  readonly windows: number;
  /** Bytes of answers (RESET, WINDOW, PONG) for a peer that does not read them. */
  readonly unreadAnswers: number;
  /** Milliseconds of silence after which the other side is asked whether it lives, and then until it is given up. */
  readonly quietAfter: number;
  readonly deadAfter: number;
}

export const DEFAULT_LIMITS: LinkLimits = {
  streams: 1024,
  window: ASSUMED.window,
  largestWindow: 16 * 1024 * 1024,
  extraWindow: 32 * 1024 * 1024,
  streamBacklog: 128 * 1024,
  sessionBacklog: 16 * 1024 * 1024,
  opens: 10_000,
  resets: 5000,
  pings: 100,
  windows: 100_000,
  unreadAnswers: 1024 * 1024,
  quietAfter: 15_000,
  deadAfter: 10_000,
};
