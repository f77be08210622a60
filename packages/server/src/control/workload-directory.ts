import { create } from '@bufbuild/protobuf';
import type { WorkloadIdentity } from '@rampart/authority';
import { type IdentityFacts, IdentityFactsSchema } from '@rampart/wire';

/** A workload that holds a certificate of this mesh. */
export interface CertificateHolder {
  readonly spiffeId: string;
  /** Lower-case hex. */
  readonly serial: string;
  /** Unix milliseconds. */
  readonly notAfter: number;
  /** Undefined for agents and others that are no workload of the mesh, of whom nothing is learned. */
  readonly workload: WorkloadIdentity | undefined;
}

export interface WorkloadDirectoryOptions {
  now(): number;
  /** The clock went back: what had ended is to be learnt again. */
  wentBack(): void;
  /** What is told of this identity is different now. */
  changed(spiffeId: string): void;
}

interface Variant {
  readonly labels: Readonly<Record<string, string>>;
  /** End of each certificate by its serial. */
  readonly certificates: Map<string, number>;
}

interface Identity {
  readonly namespace: string;
  /** By labels. */
  readonly variants: Map<string, Variant>;
  facts: IdentityFacts | undefined;
}

/** Ended certificates prove nothing any more; they are looked for no more often than this. */
const SWEEP_MS = 60_000;

/**
 * Which labels the holders of an identity have. Whoever can open a connection in the mesh holds a certificate, whether
 * it serves anything or not, and is connected here or not; so the certificates that are valid now are the ones to know.
 */
export class WorkloadDirectory {
  readonly #options: WorkloadDirectoryOptions;
  readonly #identities = new Map<string, Identity>();
  readonly #identityOf = new Map<string, string>();
  #sweptAt: number;

  constructor(options: WorkloadDirectoryOptions) {
    this.#options = options;
    this.#sweptAt = options.now();
  }

  /** Facts of one identity; undefined when nobody holds a certificate of it. */
  get(spiffeId: string): IdentityFacts | undefined {
    const identity = this.#identities.get(spiffeId);
    if (identity === undefined) {
      return undefined;
    }
    identity.facts ??= factsOf(spiffeId, identity);
    return identity.facts;
  }

  all(): IdentityFacts[] {
    return [...this.#identities.keys()].flatMap((spiffeId) => this.get(spiffeId) ?? []);
  }

  learn({ spiffeId, serial, notAfter, workload }: CertificateHolder): void {
    if (workload === undefined) {
      return;
    }
    this.#sweep();
    const identity = this.#identity(spiffeId, workload.namespace);
    const key = JSON.stringify(Object.entries(workload.labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    const variant = identity.variants.get(key) ?? { labels: workload.labels, certificates: new Map<string, number>() };
    const isNew = !identity.variants.has(key);
    identity.variants.set(key, variant);
    variant.certificates.set(serial, notAfter);
    this.#identityOf.set(serial, spiffeId);
    // Holders that are all alike need not be told apart, so their renewals are nobody's business.
    if (isNew || identity.variants.size > 1) {
      this.#change(spiffeId, identity);
    }
  }

  /** Called often, so that a clock that jumps is noticed though nobody comes. */
  tick(): void {
    this.#sweep();
  }

  /** Of every certificate that is known here. */
  serials(): string[] {
    return [...this.#identityOf.keys()];
  }

  /** These certificates are revoked. */
  forget(serials: readonly string[]): void {
    const gone = new Set(serials);
    const spiffeIds = new Set(serials.flatMap((serial) => this.#identityOf.get(serial) ?? []));
    for (const spiffeId of spiffeIds) {
      const identity = this.#identities.get(spiffeId);
      if (identity !== undefined) this.#drop(spiffeId, identity, (serial) => gone.has(serial));
    }
  }

  #identity(spiffeId: string, namespace: string): Identity {
    const known = this.#identities.get(spiffeId);
    const identity = known ?? { namespace, variants: new Map<string, Variant>(), facts: undefined };
    this.#identities.set(spiffeId, identity);
    return identity;
  }

  #sweep(): void {
    const now = this.#options.now();
    const sinceLast = now - this.#sweptAt;
    if (sinceLast >= 0 && sinceLast < SWEEP_MS) {
      return;
    }
    this.#sweptAt = now;
    if (sinceLast < 0) {
      this.#options.wentBack();
    }
    for (const [spiffeId, identity] of this.#identities) {
      this.#drop(spiffeId, identity, (_, notAfter) => notAfter < now);
    }
  }

  #drop(spiffeId: string, identity: Identity, isGone: (serial: string, notAfter: number) => boolean): void {
    const before = identity.variants.size;
    let dropped = false;
    for (const [key, { certificates }] of identity.variants) {
      for (const [serial, notAfter] of certificates) {
        if (isGone(serial, notAfter)) {
          certificates.delete(serial);
          this.#identityOf.delete(serial);
          dropped = true;
        }
      }
      if (certificates.size === 0) {
        identity.variants.delete(key);
      }
    }
    if (identity.variants.size === 0) {
      this.#identities.delete(spiffeId);
    }
    if (dropped && (before > 1 || identity.variants.size === 0)) {
      this.#change(spiffeId, identity);
    }
  }

  #change(spiffeId: string, identity: Identity): void {
    identity.facts = undefined;
    this.#options.changed(spiffeId);
  }
}

function factsOf(spiffeId: string, { namespace, variants }: Identity): IdentityFacts {
  const alike = variants.size === 1;
  return create(IdentityFactsSchema, {
    spiffeId,
    namespace,
    variants: [...variants.values()].map(({ labels, certificates }) => ({
      labels: { ...labels },
      serials: alike ? [] : [...certificates.keys()],
    })),
  });
}
