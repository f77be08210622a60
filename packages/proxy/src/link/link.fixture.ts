import { Duplex } from 'node:stream';

import type { Clock } from '@rampart/core';

import type { ByteReceiver } from '../stream/byte-stream.ts';
import { FRAME_SHAPES } from './frame/format.ts';
import { FrameReader } from './frame/frame-reader.ts';
import { FrameWriter } from './frame/frame-writer.ts';
import type { LinkOptions } from './link-options.ts';
import { LinkSession } from './link-session.ts';
import type { LinkStream } from './link-stream.ts';

/** One end of a wire in memory: what is written comes out at the other end, cut into pieces of the lengths that `cut` gives. */
class WireEnd extends Duplex {
  /** Bytes that came out at this end. */
  arrived = 0;
  far: WireEnd | undefined;
  readonly #cut: () => number;
  #resume: (() => void) | undefined;

  constructor(cut: () => number) {
    super({ allowHalfOpen: true });
    this.#cut = cut;
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    const { far } = this;
    // A far end that reads no more holds this one back.
    if (far?.comes(chunk, this.#cut) === false) far.#resume = callback;
    else setImmediate(callback);
  }

  /** Like a socket, it writes at once what was written while it was corked. */
  override _writev(parts: { readonly chunk: Buffer }[], callback: () => void): void {
    this._write(Buffer.concat(parts.map(({ chunk }) => chunk)), 'buffer', callback);
  }

  /** False when it has enough. */
  comes(chunk: Buffer, cut: () => number): boolean {
    this.arrived += chunk.length;
    let hasRoom = true;
    for (let at = 0; at < chunk.length;) {
      const piece = Buffer.from(chunk.subarray(at, at + Math.max(1, cut())));
      at += piece.length;
      hasRoom = this.push(piece);
    }
    return hasRoom;
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    if (resume !== undefined) setImmediate(resume);
  }

  override _final(callback: () => void): void {
    this.far?.push(null);
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.far?.push(null);
    callback(error);
  }
}

interface Wire {
  readonly near: WireEnd;
  readonly far: WireEnd;
}

function wire(cut: () => number = () => 65_536): Wire {
  const near = new WireEnd(cut);
  const far = new WireEnd(cut);
  near.far = far;
  far.far = near;
  return { near, far };
}

interface LinkPair extends Wire {
  readonly dialer: LinkSession;
  readonly listener: LinkSession;
  readonly accepted: LinkStream[];
  /** What the sessions said, in order: `dialer closed: in order`. */
  readonly events: string[];
}

interface PairOptions extends Partial<Pick<LinkOptions, 'accept' | 'limits'>> {
  readonly cut?: () => number;
}

/** Two sessions with a wire between them. */
export function linkPair(clock: Clock, { cut, accept, limits = {} }: PairOptions = {}): LinkPair {
  const { near, far } = wire(cut);
  const accepted: LinkStream[] = [];
  const events: string[] = [];
  const dialer = new LinkSession({
    ...side({ name: 'dialer', events, clock }),
    role: 'dialer',
    transport: near,
    limits,
  });
  const listener = new LinkSession({
    ...side({ name: 'listener', events, clock }),
    role: 'listener',
    transport: far,
    limits,
    accept: (stream, request) => {
      accepted.push(stream);
      return accept?.(stream, request);
    },
  });
  return { near, far, dialer, listener, accepted, events };
}

interface Side {
  readonly name: string;
  readonly events: string[];
  readonly clock: Clock;
}

/** What a session needs beside its transport; its events are written down. */
function side({ name, events, clock }: Side): Pick<LinkOptions, 'clock' | 'random' | 'draining' | 'closed'> {
  return {
    clock,
    random: () => 0.5,
    draining: () => events.push(`${name} draining`),
    closed: (error) => events.push(`${name} closed: ${error?.reason ?? 'in order'}`),
  };
}

/** Writes down what a stream brings. */
export class Listener implements ByteReceiver {
  readonly events: string[] = [];
  received = 0;
  error: Error | undefined;
  readonly #pieces: Buffer[] = [];

  get text(): string {
    return Buffer.concat(this.#pieces).toString('latin1');
  }

  get isClosed(): boolean {
    return this.events.at(-1) === 'close';
  }

  data(chunk: Buffer): void {
    this.received += chunk.length;
    this.#pieces.push(chunk);
    if (this.events.at(-1) !== 'data') this.events.push('data');
  }

  end(): void {
    this.events.push('end');
  }

  drain(): void {
    this.events.push('drain');
  }

  close(error: Error | undefined): void {
    this.error = error;
    this.events.push('close');
  }
}

/** Gives the stream a listener. */
export function listen(stream: LinkStream): Listener {
  const listener = new Listener();
  stream.receive(listener);
  return listener;
}

/** Turns of the event loop: everything that is on its way over a wire in memory arrives. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** A session that listens, and a peer that sends it whatever frames a test writes. */
export interface RawPeer {
  readonly session: LinkSession;
  readonly frames: FrameWriter;
  readonly events: string[];
  readonly accepted: LinkStream[];
  /** Reasons for which the session has blamed its peer. */
  readonly faults: string[];
  /** Frames that the session sent, as `RESET 1 10`: name, stream, payload in hexadecimal. */
  readonly heard: string[];
  /** The peer's end of the wire. */
  readonly end: Duplex;
  /** Sends what was written into `frames`. */
  send(): Promise<void>;
}

export function rawPeer(clock: Clock, { limits = {}, accept }: PairOptions = {}): RawPeer {
  const { near, far } = wire();
  const events: string[] = [];
  const accepted: LinkStream[] = [];
  const heard: string[] = [];
  const faults: string[] = [];
  const frames = new FrameWriter();
  const reader = new FrameReader({
    dataBegins: (stream, length) => {
      heard.push(`DATA ${stream} ${length}`);
      return undefined;
    },
    frame: (type, stream, payload) => {
      heard.push(`${FRAME_SHAPES.get(type)?.name} ${stream} ${payload.toString('hex')}`.trim());
    },
    malformed: (problem) => heard.push(problem),
  });
  near.on('data', (chunk: Buffer) => reader.push(chunk));
  const session = new LinkSession({
    ...side({ name: 'session', events, clock }),
    broken: ({ reason }) => faults.push(reason),
    role: 'listener',
    transport: far,
    limits,
    accept: (stream, request) => {
      accepted.push(stream);
      return accept?.(stream, request);
    },
  });
  const send = async (): Promise<void> => {
    for (const part of frames.take()) near.write(part);
    await turns();
  };
  return { session, frames, events, faults, accepted, heard, end: near, send };
}
