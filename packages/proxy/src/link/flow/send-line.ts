import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

import { FrameWriter } from '../frame/frame-writer.ts';
import { LONGEST_DATA } from '../frame/format.ts';

/** Bytes for one write: what a TLS socket takes before it asks to wait. */
const TURN_BYTES = 64 * 1024;
/** Of a record of TLS 1.3 with all that is around it (RFC 8446 §5.2), Node reads 16 KiB at a time: it comes with one read, not two. */
const RECORD_BYTES = 16_384 - 22;
/** So many frames are worth a write of their own. */
const FEW_FRAMES = 16;
/** Messages up to this pass large bodies that wait. */
const SMALL_BYTES = 4096;

/** A stream with bytes that wait. */
export interface Waiting {
  isInLine: boolean;
  readonly isReady: boolean;
  /** Gathers one DATA frame, and returns its bytes. */
  sendNext(): number;
}

/**
 * Sends frames over a transport: what is gathered in one turn of the event loop leaves in one write, or two. Small
 * messages are gathered at once; large ones stand in line, and get one frame each in turn, as fast as the transport takes them.
 */
export class SendLine {
  readonly frames: FrameWriter = new FrameWriter();
  readonly #transport: Duplex;
  readonly #unread: number;
  #line: Waiting[] = [];
  /** Sockets keep nothing of what they have written; other transports may hand it on as it is. */
  readonly #isSocket: boolean;
  /** Writes that are under way. */
  #unwritten = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #isBlocked = false;
  #isClosed = false;
  /** Times that frames were gathered in this turn. */
  #gathered = 0;
  /** Half of what the last turn gathered. */
  #half = FEW_FRAMES;

  /** `unread`: bytes of control frames that may wait for a peer that does not read. */
  constructor(transport: Duplex, unread: number) {
    this.#transport = transport;
    this.#unread = unread;
    this.#isSocket = transport instanceof Socket;
    if (transport instanceof TLSSocket) transport.setMaxSendFragment(RECORD_BYTES);
    transport.on('drain', () => {
      this.#isBlocked = false;
      this.#flush();
    });
  }

  /** False when the other side asks for more than it reads. */
  get isBounded(): boolean {
    return this.frames.pending <= TURN_BYTES + this.#unread;
  }

  /** Whether a DATA frame of so many bytes may be gathered now. */
  takesNow(bytes: number): boolean {
    if (bytes > LONGEST_DATA) return false;
    if (!this.#isBlocked && this.#line.length === 0) return this.frames.pending + bytes <= TURN_BYTES;
    return bytes <= SMALL_BYTES && this.frames.pending + bytes <= TURN_BYTES;
  }

  stand(stream: Waiting): void {
    if (stream.isInLine) return;
    stream.isInLine = true;
    this.#line.push(stream);
    this.schedule();
  }

  /**
   * Frames were gathered. They leave when everything that is ready in this turn of the event loop had its say. Where turns bring
   * many, the first half leaves before the second is there: two proxies that hand each other whole turns take turns at working.
   */
  readonly schedule = (): void => {
    if (this.#isBlocked || this.#isClosed) return;
    this.#gathered += 1;
    this.#scheduled ??= setImmediate(this.#flushScheduled);
    // A socket that is written to takes more in the next turn only.
    if (this.#gathered === this.#half && this.#unwritten === 0) this.#write();
  };

  /** Sends what is gathered, and nothing afterwards. */
  close(): void {
    this.#line = [];
    if (!this.#isClosed && this.#transport.writable) this.#write();
    this.#isClosed = true;
    clearImmediate(this.#scheduled);
  }

  readonly #flushScheduled = (): void => {
    this.#scheduled = undefined;
    this.#half = Math.max(FEW_FRAMES, this.#gathered >>> 1);
    this.#gathered = 0;
    if (!this.#isBlocked) this.#flush();
  };

  #flush(): void {
    if (this.#isClosed) return;
    this.#fill();
    this.#write();
    if (this.#line.length > 0) this.schedule();
  }

  /** Large bodies get what small messages leave of the turn, and one frame at least. */
  #fill(): void {
    const line = this.#line;
    let room = Math.max(TURN_BYTES - this.frames.pending, 1);
    while (room > 0) {
      const stream = line.shift();
      if (stream === undefined) return;
      room -= stream.sendNext();
      stream.isInLine = stream.isReady;
      if (stream.isInLine) line.push(stream);
    }
  }

  #write(): void {
    const parts = this.frames.take();
    if (parts.length > 1) this.#transport.cork();
    for (const part of parts) {
      this.#unwritten += 1;
      this.#isBlocked = !this.#transport.write(part, this.#written);
    }
    if (parts.length > 1) this.#transport.uncork();
  }

  readonly #written = (): void => {
    this.#unwritten -= 1;
    if (this.#unwritten === 0 && this.#isSocket) this.frames.rewind();
  };
}
