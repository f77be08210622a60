import type { Duplex } from 'node:stream';

import { RampartError, type Timer } from '@rampart/core';

import { FloodGuard } from './flow/flood-guard.ts';
import { ReceiveWindow, WindowPool, type WindowSettings } from './flow/receive-window.ts';
import { SendLine } from './flow/send-line.ts';
import {
  ASSUMED,
  FRAME,
  HELLO_BYTES,
  LAST_STREAM,
  LONGEST_METADATA,
  MOST_CREDIT,
  type FrameType,
} from './frame/format.ts';
import { FrameReader, type DataTaker, type FrameSink } from './frame/frame-reader.ts';
import type { FrameWriter } from './frame/frame-writer.ts';
import { isSoundRequest, openPayload, readOpen } from './frame/open-payload.ts';
import { KeepAlive } from './keep-alive.ts';
import { DEFAULT_LIMITS, type LinkLimits } from './limits.ts';
import { LinkError, SESSION_REASONS, sessionReason, streamReason, type SessionReason } from './link-error.ts';
import type { LinkOptions } from './link-options.ts';
import { SessionStream, type LinkStream, type StreamHost, type StreamRequest } from './link-stream.ts';
import { SESSION_RECEIVED, type SessionEvent, type SessionState } from './state/session-states.ts';
import {
  BREAKS,
  CLOSED,
  DATA,
  DROP,
  END,
  IDLE,
  onReceived,
  RESET,
  STREAM_FRAMES,
  WINDOW,
} from './state/stream-states.ts';

/** Beyond it timers of Node are over at once. */
const LONGEST_TIMER_MS = 2_147_483_647;
/** Time for the last bytes of a session to leave. */
const LINGER_MS = 1000;

/** Reasons for which the other side is to blame. */
const FAULTS: ReadonlySet<SessionReason> = new Set(['protocol-error', 'flow-control', 'flood', 'dead-peer']);

/** Many streams over one connection between two proxies. Either side may open streams. */
export class LinkSession {
  readonly #options: LinkOptions;
  readonly #limits: LinkLimits;
  readonly #output: SendLine;
  readonly #reader: FrameReader;
  readonly #keepAlive: KeepAlive;
  readonly #windows: WindowSettings;
  readonly #streams: Map<number, SessionStream> = new Map();
  readonly #host: StreamHost;
  readonly #guards: { readonly [name in 'opens' | 'openFlood' | 'resets' | 'pings' | 'windows']: FloodGuard };
  #state: SessionState = 'greeting';
  #peer: { readonly streams: number; readonly window: number } = ASSUMED;
  #next: number;
  #lastOfTheirs = 0;
  /** Streams that hold memory, by who opened them. */
  #ours = 0;
  #theirs = 0;
  #backlog = 0;
  #held = 0;
  /** Set from `drain` on. */
  #deadline: Timer | undefined;
  #deadlineAt = Number.POSITIVE_INFINITY;
  #hasAnnouncedDraining = false;

  constructor(options: LinkOptions) {
    const { transport, clock, random } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#options = options;
    this.#limits = limits;
    this.#next = options.role === 'dialer' ? 1 : 2;
    this.#output = new SendLine(transport, limits.unreadAnswers);
    this.#reader = new FrameReader(this.#sink());
    this.#keepAlive = new KeepAlive({
      clock,
      random,
      quietAfter: limits.quietAfter,
      deadAfter: limits.deadAfter,
      ping: (payload) => this.#send(FRAME.PING, payload),
      dead: () => this.#fail('dead-peer'),
    });
    this.#windows = {
      clock,
      pool: new WindowPool(limits.extraWindow),
      initial: limits.window,
      largest: limits.largestWindow,
      roundTrip: () => this.#keepAlive.roundTrip,
    };
    this.#guards = {
      opens: new FloodGuard(clock, limits.opens),
      openFlood: new FloodGuard(clock, limits.opens * 2),
      resets: new FloodGuard(clock, limits.resets),
      pings: new FloodGuard(clock, limits.pings),
      windows: new FloodGuard(clock, limits.windows),
    };
    this.#host = this.#streamHost(this.#output.frames);
    this.#greet();
    this.#listen(transport);
  }

  /** How many more streams the other side takes from this one now; 0 when the session is over or about to be. */
  get room(): number {
    return this.#opensNoMore ? 0 : Math.max(0, this.#peer.streams - this.#ours);
  }

  /** Streams that are open, of both sides. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Bytes that have come and wait for their readers. */
  get buffered(): number {
    return this.#held;
  }

  /** Bytes that were written and wait to be sent. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Milliseconds that a byte needs there and back, at best; 1 until that is known. */
  get roundTrip(): number {
    return this.#keepAlive.roundTrip;
  }

  /**
   * Opens a stream. Bytes may be written at once. A stream that cannot be opened, or that the other side refuses, is
   * closed with a `LinkError` that says so.
   * @throws RampartError INVALID_ARGUMENT when the port is none or the metadata is too long.
   */
  open(request: StreamRequest): LinkStream {
    if (!isSoundRequest(request))
      throw new RampartError(
        'INVALID_ARGUMENT',
        `a stream needs a port of 1 to 65535 and metadata of ${LONGEST_METADATA} bytes at most`,
      );
    const refusal = this.#opensNoMore ? 'going-away' : this.#ours >= this.#peer.streams ? 'overloaded' : undefined;
    const stream = this.#stream(this.#next, request);
    this.#ours += 1;
    if (refusal !== undefined) {
      stream.cutOff(new LinkError(refusal));
      return stream;
    }
    this.#next += 2;
    this.#streams.set(stream.id, stream);
    stream.opened('us');
    this.#output.frames.bytes(FRAME.OPEN, stream.id, openPayload(request));
    this.#output.schedule();
    return stream;
  }

  /**
   * Neither side opens streams any more; those that are open have so many milliseconds to end. Then the session closes, and
   * `reason` is theirs. Called again, it may only bring that forward.
   */
  drain(milliseconds: number, reason: 'deadline' | 'expired' = 'deadline'): void {
    const { clock } = this.#options;
    const at = clock.now() + milliseconds;
    if (this.#state === 'closed' || at >= this.#deadlineAt) return;
    const isFirst = this.#deadline === undefined;
    this.#deadline?.cancel();
    this.#deadlineAt = at;
    this.#deadline = clock.after(Math.min(milliseconds, LONGEST_TIMER_MS), () => this.#fail(reason));
    if (!isFirst) return;
    if (this.#state === 'open') this.#leave();
    this.#announceDraining();
  }

  /** Closes the session at once, and every stream of it with the reason. */
  destroy(reason: SessionReason = 'closed'): void {
    this.#fail(reason);
  }

  get #opensNoMore(): boolean {
    return (
      this.#deadline !== undefined || this.#next > LAST_STREAM || (this.#state !== 'open' && this.#state !== 'greeting')
    );
  }

  #greet(): void {
    const payload = Buffer.alloc(HELLO_BYTES);
    payload.writeUInt32BE(Math.max(ASSUMED.streams, this.#limits.streams), 0);
    payload.writeUInt32BE(this.#windows.initial, 4);
    this.#send(FRAME.HELLO, payload);
    this.#keepAlive.start();
  }

  #listen(transport: Duplex): void {
    let cause: Error | undefined;
    transport.on('error', (error: Error) => {
      cause = error;
    });
    transport.on('data', (chunk: Buffer) => {
      this.#keepAlive.heard();
      this.#reader.push(chunk);
      if (!this.#output.isBounded) this.#fail('flood', 'answers that nobody reads');
    });
    transport.on('end', () => this.#close(new LinkError('connection-lost', 'the other side ended it')));
    transport.on('close', () => this.#close(new LinkError('connection-lost', cause?.message)));
  }

  #streamHost(frames: FrameWriter): StreamHost {
    const output = this.#output;
    const isCongested = (): boolean => this.#backlog > this.#limits.sessionBacklog;
    return {
      frames,
      takesNow: (bytes) => output.takesNow(bytes),
      gathered: output.schedule,
      standInLine: (stream) => output.stand(stream),
      backlogged: (bytes) => {
        this.#backlog += bytes;
      },
      held: (bytes) => {
        this.#held += bytes;
      },
      get isCongested() {
        return isCongested();
      },
      closed: (stream) => this.#forget(stream),
      released: (stream) => {
        if (this.#isOurs(stream.id)) this.#ours -= 1;
        else this.#theirs -= 1;
      },
    };
  }

  #stream(id: number, request: StreamRequest): SessionStream {
    return new SessionStream({
      id,
      request,
      host: this.#host,
      window: new ReceiveWindow(this.#windows),
      credit: this.#peer.window,
      backlog: this.#limits.streamBacklog,
    });
  }

  #isOurs(id: number): boolean {
    return (id & 1) === (this.#next & 1);
  }

  #send(type: FrameType, payload: Buffer): void {
    this.#output.frames.bytes(type, 0, payload);
    this.#output.schedule();
  }

  #goAway(code: number): void {
    this.#output.frames.byte(FRAME.GOAWAY, 0, code);
    this.#output.schedule();
  }

  #leave(): void {
    this.#goAway(0);
    this.#state = 'leaving';
  }

  #announceDraining(): void {
    if (this.#hasAnnouncedDraining) return;
    this.#hasAnnouncedDraining = true;
    queueMicrotask(() => this.#options.draining?.());
  }

  #forget(stream: SessionStream): void {
    if (this.#streams.get(stream.id) !== stream) return;
    this.#streams.delete(stream.id);
    if (this.#state === 'finishing') queueMicrotask(() => this.#finish());
  }

  /** Both sides said that they open no more streams: the session is over with the last one. */
  #finish(): void {
    if (this.#state === 'finishing' && this.#streams.size === 0) this.#close(undefined);
  }

  #fail(reason: SessionReason, detail?: string): void {
    if (this.#state === 'closed') return;
    const error = new LinkError(reason, detail);
    this.#goAway(SESSION_REASONS[reason]);
    if (FAULTS.has(reason)) this.#options.broken?.(error);
    this.#close(error);
  }

  #close(error: LinkError | undefined): void {
    if (this.#state === 'closed') return;
    const { transport, clock } = this.#options;
    this.#state = 'closed';
    this.#reader.stop();
    this.#keepAlive.stop();
    this.#deadline?.cancel();
    this.#output.close();
    const linger = clock.after(LINGER_MS, () => transport.destroy());
    transport.once('close', () => linger.cancel());
    if (error !== undefined) transport.once('finish', () => transport.destroy());
    transport.end();
    for (const stream of [...this.#streams.values()]) stream.cutOff(error ?? new LinkError('closed'));
    this.#announceDraining();
    queueMicrotask(() => this.#options.closed?.(error));
  }

  #sink(): FrameSink {
    return {
      dataBegins: (id, length) => this.#dataBegins(id, length),
      frame: (type, id, payload) => this.#frame(type, id, payload),
      malformed: (problem) => this.#fail('protocol-error', problem),
    };
  }

  #dataBegins(id: number, length: number): DataTaker | undefined {
    const stream = this.#streams.get(id);
    const outcome = this.#receives(stream, id, DATA);
    if ((outcome & BREAKS) !== 0 || stream === undefined) return undefined;
    if (!stream.arrives(length)) {
      this.#fail('flow-control', `${length} bytes on stream ${id}`);
      return undefined;
    }
    return (outcome & DROP) === 0 ? stream : undefined;
  }

  #frame(type: number, id: number, payload: Buffer): void {
    switch (type) {
      case FRAME.END: {
        const stream = this.#streams.get(id);
        const outcome = this.#receives(stream, id, END);
        if ((outcome & (BREAKS | DROP)) === 0) stream?.remoteEnded();
        return;
      }
      case FRAME.WINDOW:
        return this.#windowFrame(id, payload.readUInt32BE(0));
      case FRAME.OPEN:
        if (this.#happens('OPEN')) this.#openFrame(id, payload);
        return;
      case FRAME.RESET:
        return this.#resetFrame(id, payload.readUInt8(0));
      case FRAME.PING:
        if (this.#happens('PING')) this.#pingFrame(payload);
        return;
      case FRAME.PONG:
        if (this.#happens('PONG')) this.#pongFrame(payload);
        return;
      case FRAME.GOAWAY:
        return this.#goAwayFrame(payload.readUInt8(0));
      default:
        if (this.#happens('HELLO')) this.#helloFrame(payload.readUInt32BE(0), payload.readUInt32BE(4));
    }
  }

  /** Moves the session's state. False when the frame is not to be looked at. */
  #happens(event: SessionEvent): boolean {
    const outcome = SESSION_RECEIVED[this.#state][event];
    if (outcome === 'drop') return false;
    if (outcome === 'error') {
      this.#fail('protocol-error', `${event} in state ${this.#state}`);
      return false;
    }
    if (outcome === 'finishing + answer') this.#goAway(0);
    this.#state = outcome === 'finishing + answer' ? 'finishing' : outcome;
    return true;
  }

  /** Moves a stream's state, and ends the session when that cannot be. */
  #receives(stream: SessionStream | undefined, id: number, column: number): number {
    if (SESSION_RECEIVED[this.#state].STREAM !== this.#state) {
      this.#happens('STREAM');
      return BREAKS;
    }
    const outcome =
      stream === undefined ? onReceived(this.#wasOpened(id) ? CLOSED : IDLE, column) : stream.receives(column);
    if ((outcome & BREAKS) !== 0) this.#fail('protocol-error', `${STREAM_FRAMES[column]} on stream ${id}`);
    return outcome;
  }

  #wasOpened(id: number): boolean {
    return this.#isOurs(id) ? id < this.#next : id <= this.#lastOfTheirs;
  }

  #openFrame(id: number, payload: Buffer): void {
    const request = readOpen(payload);
    if (typeof request === 'string') return this.#fail('protocol-error', request);
    if (this.#isOurs(id) || this.#wasOpened(id)) return this.#fail('protocol-error', `OPEN on stream ${id}`);
    const isFlood = !this.#guards.openFlood.admits() || this.#streams.size >= 2 * this.#limits.streams + this.#ours;
    if (isFlood) return this.#fail('flood', 'OPEN');
    this.#lastOfTheirs = id;
    const stream = this.#stream(id, request);
    const isTooMany = this.#theirs >= this.#limits.streams || !this.#guards.opens.admits();
    this.#theirs += 1;
    this.#streams.set(id, stream);
    stream.opened('them');
    const refusal = isTooMany ? new LinkError('overloaded') : this.#judge(stream, request);
    if (refusal !== undefined) stream.reset(refusal);
  }

  /** Why the stream is not taken, as the error of its reset. */
  #judge(stream: LinkStream, request: StreamRequest): Error | undefined {
    if (this.#options.accept === undefined) return new LinkError('not-accepting');
    try {
      const refusal = this.#options.accept(stream, request);
      return refusal === undefined ? undefined : new LinkError(refusal);
    } catch (cause) {
      return cause instanceof Error ? cause : new LinkError('internal', String(cause));
    }
  }

  #resetFrame(id: number, code: number): void {
    const reason = streamReason(code);
    if (reason === undefined) return this.#fail('protocol-error', `RESET with unknown reason ${code}`);
    if (!this.#guards.resets.admits()) return this.#fail('flood', 'RESET');
    const stream = this.#streams.get(id);
    const outcome = this.#receives(stream, id, RESET);
    if ((outcome & BREAKS) === 0) stream?.failed(new LinkError(reason), outcome);
  }

  #windowFrame(id: number, credit: number): void {
    if (credit === 0) return this.#fail('protocol-error', 'WINDOW of 0 bytes');
    if (!this.#guards.windows.admits()) return this.#fail('flood', 'WINDOW');
    const stream = this.#streams.get(id);
    const outcome = this.#receives(stream, id, WINDOW);
    if ((outcome & (BREAKS | DROP)) === 0 && stream?.credited(credit) === false)
      this.#fail('flow-control', `WINDOW on stream ${id}`);
  }

  #pingFrame(payload: Buffer): void {
    if (this.#guards.pings.admits()) this.#send(FRAME.PONG, payload);
    else this.#fail('flood', 'PING');
  }

  #pongFrame(payload: Buffer): void {
    if (!this.#keepAlive.answered(payload)) this.#fail('protocol-error', 'PONG without a PING');
  }

  #goAwayFrame(code: number): void {
    if (code !== 0) {
      const reason = sessionReason(code);
      if (reason === undefined) this.#fail('protocol-error', `GOAWAY with unknown reason ${code}`);
      else this.#close(new LinkError(reason, 'said by the other side'));
      return;
    }
    if (!this.#happens('GOAWAY')) return;
    this.#announceDraining();
    this.#finish();
  }

  #helloFrame(streams: number, window: number): void {
    if (streams < ASSUMED.streams || window < ASSUMED.window || window > MOST_CREDIT)
      return this.#fail('protocol-error', `HELLO of ${streams} streams and windows of ${window} bytes`);
    this.#peer = { streams, window };
    for (const stream of this.#streams.values()) stream.credited(window - ASSUMED.window);
    if (this.#deadline !== undefined) this.#leave();
    queueMicrotask(() => this.#options.greeted?.());
  }
}
