import { RampartError } from '@rampart/core';
import { parseCertificate } from '@rampart/spiffe';
import type { AuthorityState, CaCertificateRecord } from '../store.ts';
import { type HeldAuthority, isBelow, isPublished } from './held-authority.ts';

type Kind = CaCertificateRecord['kind'];

/** Every authority of a hierarchy, in the order in which they came. */
export class AuthoritySet {
  readonly #held = new Map<string, HeldAuthority>();

  constructor(held: readonly HeldAuthority[]) {
    for (const each of held) this.put(each);
  }

  all(): readonly HeldAuthority[] {
    return [...this.#held.values()];
  }

  /** Newest first. */
  inState(kind: Kind, state: AuthorityState): readonly HeldAuthority[] {
    return this.all()
      .filter(({ record }) => record.kind === kind && record.state === state)
      .toReversed();
  }

  active(kind: Kind): HeldAuthority | undefined {
    return this.inState(kind, 'active')[0];
  }

  /** @throws RampartError NOT_FOUND. */
  get(serial: string): HeldAuthority {
    const held = this.#held.get(serial);
    if (held !== undefined) return held;
    throw new RampartError('NOT_FOUND', `no authority has the serial ${serial}; "rampart ca show" lists them`);
  }

  find(serial: string): HeldAuthority | undefined {
    return this.#held.get(serial);
  }

  /**
   * The one that is held already, by its bytes.
   * @throws RampartError INVALID_CERTIFICATE when another one has its serial: who signs elsewhere may begin at 1.
   */
  same({ record, certificate }: HeldAuthority): HeldAuthority | undefined {
    const held = this.#held.get(record.serial);
    if (held === undefined || Buffer.compare(held.certificate.der, certificate.der) === 0) return held;
    throw new RampartError(
      'INVALID_CERTIFICATE',
      `another ${held.record.kind} has the serial ${record.serial} here; have it made again, with a serial of random bits`,
    );
  }

  /** Adds it, or puts it in the place of what has its serial. */
  put(held: HeldAuthority): void {
    this.#held.set(held.record.serial, held);
  }

  /** The roots that relying parties get. */
  publishedRoots(): readonly HeldAuthority[] {
    return this.all().filter((held) => held.record.kind === 'root' && isPublished(held));
  }

  rootOf(intermediate: HeldAuthority): HeldAuthority | undefined {
    const last = intermediate.record.upstream.at(-1);
    const parsed = last === undefined ? undefined : parseCertificate(last);
    const topmost = parsed?.ok === true ? parsed.value : intermediate.certificate;
    return this.all().find(({ record, certificate }) => record.kind === 'root' && isBelow(topmost, certificate));
  }

  below(root: HeldAuthority): readonly HeldAuthority[] {
    return this.all().filter(
      (each) => each.record.kind === 'intermediate' && this.rootOf(each)?.record.serial === root.record.serial,
    );
  }
}
