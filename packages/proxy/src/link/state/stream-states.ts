export const STREAM_STATES = [
  'idle',
  'open',
  'local-ended',
  'remote-ended',
  'resetting',
  'resetting-local-ended',
  'resetting-remote-ended',
  'closed',
] as const;
export type StreamState = (typeof STREAM_STATES)[number];

export const STREAM_FRAMES = ['OPEN', 'DATA', 'END', 'RESET', 'WINDOW'] as const;
export type StreamFrame = (typeof STREAM_FRAMES)[number];

/**
 * What a frame does to a stream: the state it is in afterwards, and beside that
 * `answer`: a RESET goes back; `drop`: nothing else happens.
 * `error`: the other side broke the protocol, and the session ends. `never`: this side does not send that.
 */
export type Outcome = StreamState | `${StreamState} + answer` | `${StreamState} + drop` | 'error' | 'never';

type Row = Readonly<Record<StreamFrame, Outcome>>;

/**
 * A RESET is answered by a RESET, unless one is on its way already: until then frames that were sent before it was heard
 * may arrive, and afterwards none can. RESET and WINDOW on a closed stream have crossed with its END.
 */
export const RECEIVED: Readonly<Record<StreamState, Row>> = {
  idle: { OPEN: 'open', DATA: 'error', END: 'error', RESET: 'error', WINDOW: 'error' },
  open: { OPEN: 'error', DATA: 'open', END: 'remote-ended', RESET: 'closed + answer', WINDOW: 'open' },
  'local-ended': {
    OPEN: 'error',
    DATA: 'local-ended',
    END: 'closed',
    RESET: 'closed + answer',
    WINDOW: 'local-ended',
  },
  'remote-ended': {
    OPEN: 'error',
    DATA: 'error',
    END: 'error',
    RESET: 'closed + answer',
    WINDOW: 'remote-ended',
  },
  resetting: {
    OPEN: 'error',
    DATA: 'resetting + drop',
    END: 'resetting-remote-ended + drop',
    RESET: 'closed',
    WINDOW: 'resetting + drop',
  },
  'resetting-local-ended': {
    OPEN: 'error',
    DATA: 'resetting-local-ended + drop',
    END: 'closed',
    RESET: 'closed',
    WINDOW: 'resetting-local-ended + drop',
  },
  'resetting-remote-ended': {
    OPEN: 'error',
    DATA: 'error',
    END: 'error',
    RESET: 'closed',
    WINDOW: 'resetting-remote-ended + drop',
  },
  closed: { OPEN: 'error', DATA: 'error', END: 'error', RESET: 'closed + drop', WINDOW: 'closed + drop' },
};

export const SENT: Readonly<Record<StreamState, Row>> = {
  idle: { OPEN: 'open', DATA: 'never', END: 'never', RESET: 'never', WINDOW: 'never' },
  open: { OPEN: 'never', DATA: 'open', END: 'local-ended', RESET: 'resetting', WINDOW: 'open' },
  'local-ended': {
    OPEN: 'never',
    DATA: 'never',
    END: 'never',
    RESET: 'resetting-local-ended',
    WINDOW: 'local-ended',
  },
  'remote-ended': {
    OPEN: 'never',
    DATA: 'remote-ended',
    END: 'closed',
    RESET: 'resetting-remote-ended',
    WINDOW: 'never',
  },
  resetting: { OPEN: 'never', DATA: 'never', END: 'never', RESET: 'never', WINDOW: 'never' },
  'resetting-local-ended': { OPEN: 'never', DATA: 'never', END: 'never', RESET: 'never', WINDOW: 'never' },
  'resetting-remote-ended': { OPEN: 'never', DATA: 'never', END: 'never', RESET: 'never', WINDOW: 'never' },
  closed: { OPEN: 'never', DATA: 'never', END: 'never', RESET: 'never', WINDOW: 'never' },
};

/** Bits of a compiled outcome beside the number of its state. */
export const ANSWER = 0x10;
export const DROP = 0x20;
export const BREAKS = 0x40;
const STATE = 0x0f;

export const IDLE: number = STREAM_STATES.indexOf('idle');
export const CLOSED: number = STREAM_STATES.indexOf('closed');

/** Columns of the compiled tables. */
export const OPEN = 0;
export const DATA = 1;
export const END = 2;
export const RESET = 3;
export const WINDOW = 4;

/** Outcome of receiving the frame of this column in this state. */
export function onReceived(state: number, column: number): number {
  return received[(state << 3) | column] ?? BREAKS;
}

/** Outcome of sending it: `BREAKS` says that it must not be sent. */
export function onSent(state: number, column: number): number {
  return sent[(state << 3) | column] ?? BREAKS;
}

export function stateOf(outcome: number): number {
  return outcome & STATE;
}

const received = compiled(RECEIVED);
const sent = compiled(SENT);

/** One byte for each cell, because every frame looks one up. */
function compiled(table: Readonly<Record<StreamState, Row>>): Uint8Array {
  const cells = new Uint8Array(STREAM_STATES.length << 3).fill(BREAKS);
  for (const [state, name] of STREAM_STATES.entries()) {
    for (const [column, frame] of STREAM_FRAMES.entries()) cells[(state << 3) | column] = bits(table[name][frame]);
  }
  return cells;
}

function bits(outcome: Outcome): number {
  if (outcome === 'error' || outcome === 'never') return BREAKS;
  const [state, action] = outcome.split(' + ');
  const next = STREAM_STATES.findIndex((each) => each === state);
  return next | (action === 'answer' ? ANSWER : action === 'drop' ? DROP : 0);
}
