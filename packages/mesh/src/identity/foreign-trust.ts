import { TrustDomain } from '@rampart/core';

/** The roots of one trust domain that this one federates with. */
export interface ForeignBundle {
  readonly trustDomain: TrustDomain;
  /** DER. */
  readonly roots: readonly Uint8Array[];
}

/** The bundles of federated trust domains. Each is asked for by the domain of the peer in question, never as a pool. */
export class ForeignTrust {
  #roots: ReadonlyMap<string, readonly Uint8Array[]> = new Map();

  /** Whether there is any. */
  get isEmpty(): boolean {
    return this.#roots.size === 0;
  }

  rootsOf(trustDomain: TrustDomain): readonly Uint8Array[] | undefined {
    return this.#roots.get(trustDomain.name);
  }

  get all(): readonly ForeignBundle[] {
    return [...this.#roots].map(([name, roots]) => ({ trustDomain: TrustDomain.of(name), roots }));
  }

  /** Takes these in place of all that were there. */
  replace(bundles: readonly ForeignBundle[]): void {
    this.#roots = new Map(bundles.map(({ trustDomain, roots }) => [trustDomain.name, roots]));
  }
}

/** Bundles as they come from the control plane; one whose trust domain is none is left out, and nobody is trusted for it. */
export function readForeignBundles(
  bundles: readonly { readonly trustDomain: string; readonly roots: readonly Uint8Array[] }[],
): readonly ForeignBundle[] {
  return bundles.flatMap(({ trustDomain, roots }) => {
    const parsed = TrustDomain.parse(trustDomain);
    return parsed.ok ? [{ trustDomain: parsed.value, roots }] : [];
  });
}
