import type { Clock } from '@rampart/core';
import type { CertificateRecord } from './store.ts';

/** Hears of every revocation once it is durable. */
export type RevocationListener = (serial: string) => void;

/** Serials of revoked certificates that would otherwise still be valid; an ended certificate is refused for its end. */
export class Revocations {
  readonly #clock: Pick<Clock, 'now'>;
  /** Serial → notAfter. */
  readonly #ends = new Map<string, number>();
  readonly #listeners = new Set<RevocationListener>();

  constructor(clock: Pick<Clock, 'now'>, revoked: readonly CertificateRecord[]) {
    this.#clock = clock;
    for (const { serial, notAfter } of revoked) this.#ends.set(serial, notAfter);
  }

  has(serial: string): boolean {
    return this.#ends.has(serial);
  }

  serials(): string[] {
    const now = this.#clock.now();
    for (const [serial, notAfter] of this.#ends) if (notAfter < now) this.#ends.delete(serial);
    return [...this.#ends.keys()];
  }

  /** Every listener is told, whatever the others do; throws what they threw afterwards. */
  add({ serial, notAfter }: CertificateRecord): void {
    this.#ends.set(serial, notAfter);
    const failures = Array.from(this.#listeners).flatMap((listener) => failureOf(() => listener(serial)));
    if (failures.length > 0)
      throw new AggregateError(failures, `certificate ${serial} is revoked, but ${failures.length} listeners failed`);
  }

  onRevoked(listener: RevocationListener): () => void {
    // A listener of its own, so that the same function can be told twice and each can be ended.
    const own: RevocationListener = (serial) => listener(serial);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }
}

function failureOf(work: () => void): unknown[] {
  try {
    work();
    return [];
  } catch (error) {
    return [error];
  }
}

/** The stored form of a serial as people write it: any case, with or without colons and leading zeros of a whole byte. */
export function normalizeSerial(text: string): string {
  return text
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^(?:00)+(?=..)/, '');
}
