import { RampartError } from '@rampart/core';
import type { TrustBundle } from '@rampart/spiffe';
import { reopenHierarchy } from './reopening.ts';
import { createSigningAuthority } from './signing-authority.ts';
import type { HierarchyOptions, SigningAuthority } from './signing-authority.ts';

interface Authorities {
  readonly roots: readonly SigningAuthority[];
  readonly root: SigningAuthority;
  readonly intermediate: SigningAuthority;
}

/** SPIRE's rule for the activation of the next CA: when a sixth of its life is left, at most 7 days. */
const LAST_PART = 6;
const LAST_DAYS_MS = 7 * 24 * 3600 * 1000;

/** The root and the intermediates below it. The root's key signs intermediates only, an intermediate's key leaves only. */
export class Hierarchy {
  readonly #options: HierarchyOptions;
  readonly #roots: readonly SigningAuthority[];
  /** The newest root. */
  readonly #root: SigningAuthority;
  #intermediate: SigningAuthority;
  #next: Promise<void> | undefined;

  private constructor(options: HierarchyOptions, { roots, root, intermediate }: Authorities) {
    this.#options = options;
    this.#roots = roots;
    this.#root = root;
    this.#intermediate = intermediate;
  }

  /** Continues the stored hierarchy, or makes what is missing of it: all at the first opening. */
  static async open(options: HierarchyOptions): Promise<Hierarchy> {
    const stored = await reopenHierarchy(options);
    const root = stored.roots.at(-1) ?? (await createSigningAuthority(options));
    const intermediate = stored.intermediate ?? (await createSigningAuthority(options, root));
    return new Hierarchy(options, { roots: stored.roots.length === 0 ? [root] : stored.roots, root, intermediate });
  }

  bundle(): TrustBundle {
    const roots = this.#roots.map(({ certificate }) => certificate.der);
    return { trustDomain: this.#options.trustDomain, roots, jwtAuthorities: [], sequence: roots.length };
  }

  /** What signs leaves now; near the end of an intermediate's life its successor is made first. */
  async issuer(): Promise<SigningAuthority> {
    if (this.#isEnding(this.#intermediate)) {
      this.#next ??= this.#succeed().finally(() => (this.#next = undefined));
      await this.#next;
    }
    return this.#intermediate;
  }

  #isEnding({ certificate: { notBefore, notAfter } }: SigningAuthority): boolean {
    const lastPart = Math.min((notAfter - notBefore) / LAST_PART, LAST_DAYS_MS);
    return this.#options.clock.now() >= notAfter - lastPart;
  }

  async #succeed(): Promise<void> {
    try {
      this.#intermediate = await createSigningAuthority(this.#options, this.#root);
    } catch (error) {
      await this.#goOnWithout(error);
    }
  }

  /** The intermediate has days left: its successor is tried again at the next issuance, and the record says why it is late. */
  async #goOnWithout(error: unknown): Promise<void> {
    const { clock, journal } = this.#options;
    if (clock.now() >= this.#intermediate.certificate.notAfter) throw error;
    const reason = error instanceof RampartError ? error.message : 'unexpected failure';
    await journal.audit({
      eventType: 'CERTIFICATE_ISSUED',
      result: 'FAILURE',
      details: { kind: 'intermediate', reason },
    });
  }
}
