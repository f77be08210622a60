export const SESSION_STATES = ['greeting', 'open', 'leaving', 'finishing', 'closed'] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** `STREAM` is any frame about a stream but OPEN: what becomes of it is the stream's own table. */
export const SESSION_EVENTS = ['HELLO', 'OPEN', 'STREAM', 'PING', 'PONG', 'GOAWAY'] as const;
export type SessionEvent = (typeof SESSION_EVENTS)[number];

/**
 * What a received frame does to a session: the state it is in afterwards; `answer`: a GOAWAY goes back.
 * `error`: the other side broke the protocol, and the session ends; `drop`: nothing happens.
 */
export type SessionOutcome = SessionState | 'finishing + answer' | 'error' | 'drop';

/**
 * GOAWAY with reason 0 says that its sender opens no more streams and asks the other side to do the same, which says so
 * by its own GOAWAY. Until then streams that it opened before are taken. In `finishing` both have said it: the session is
 * over with its last stream. A GOAWAY with any other reason closes the session in every state.
 */
export const SESSION_RECEIVED: Readonly<Record<SessionState, Readonly<Record<SessionEvent, SessionOutcome>>>> = {
  greeting: { HELLO: 'open', OPEN: 'error', STREAM: 'error', PING: 'error', PONG: 'error', GOAWAY: 'error' },
  open: { HELLO: 'error', OPEN: 'open', STREAM: 'open', PING: 'open', PONG: 'open', GOAWAY: 'finishing + answer' },
  leaving: {
    HELLO: 'error',
    OPEN: 'leaving',
    STREAM: 'leaving',
    PING: 'leaving',
    PONG: 'leaving',
    GOAWAY: 'finishing',
  },
  finishing: {
    HELLO: 'error',
    OPEN: 'error',
    STREAM: 'finishing',
    PING: 'finishing',
    PONG: 'finishing',
    GOAWAY: 'error',
  },
  closed: { HELLO: 'drop', OPEN: 'drop', STREAM: 'drop', PING: 'drop', PONG: 'drop', GOAWAY: 'drop' },
};
