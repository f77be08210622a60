import type { Clock, Random, Timer } from '@rampart/core';

export interface KeepAliveParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly quietAfter: number;
  readonly deadAfter: number;
  /** Sends a PING with these 8 bytes. */
  ping(payload: Buffer): void;
  dead(): void;
}

/** Looks in the time of silence after which a peer is asked: so much of it goes unnoticed at most. */
const LOOKS = 3;

/** Asks a silent peer whether it lives, and measures the round trip. Any byte counts as life. */
export class KeepAlive {
  readonly #parts: KeepAliveParts;
  #timer: Timer | undefined;
  #hasHeard = false;
  /** Looks in a row at which nothing had been heard. */
  #silentLooks = 0;
  #isAsking = false;
  #pings = 0;
  /** When the PING went out that was not answered yet. */
  #askedAt: number | undefined;
  #roundTrip: number | undefined;

  constructor(parts: KeepAliveParts) {
    this.#parts = parts;
  }

  /** Milliseconds; 1 until it is known, and never less. */
  get roundTrip(): number {
    return Math.max(1, this.#roundTrip ?? 1);
  }

  start(): void {
    this.#ask();
    // Links that were dialed together ask at different times.
    this.#wait((this.#parts.quietAfter / LOOKS) * (0.75 + this.#parts.random() / 4));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  heard(): void {
    this.#hasHeard = true;
  }

  /** False when no PING with these bytes waits for an answer. */
  answered(payload: Buffer): boolean {
    if (this.#askedAt === undefined || payload.readUInt32BE(4) !== this.#pings || payload.readUInt32BE(0) !== 0)
      return false;
    const took = this.#parts.clock.now() - this.#askedAt;
    this.#askedAt = undefined;
    this.#roundTrip = Math.min(this.#roundTrip ?? took, took);
    return true;
  }

  #wait(milliseconds: number): void {
    this.#timer = this.#parts.clock.after(milliseconds, () => this.#look());
  }

  #look(): void {
    const { quietAfter, deadAfter } = this.#parts;
    if (this.#hasHeard) {
      this.#hasHeard = false;
      this.#isAsking = false;
      this.#silentLooks = 0;
      this.#wait(quietAfter / LOOKS);
    } else if (this.#isAsking) {
      this.#parts.dead();
    } else if (this.#silentLooks + 1 < LOOKS) {
      this.#silentLooks += 1;
      this.#wait(quietAfter / LOOKS);
    } else {
      this.#isAsking = true;
      if (this.#askedAt === undefined) this.#ask();
      this.#wait(deadAfter);
    }
  }

  #ask(): void {
    this.#pings += 1;
    this.#askedAt = this.#parts.clock.now();
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(this.#pings, 4);
    this.#parts.ping(payload);
  }
}
