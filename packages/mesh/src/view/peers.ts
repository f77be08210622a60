import { namespaceLabels, type NetworkPeerFacts } from '@rampart/core';

type Labels = Readonly<Record<string, string>>;

/** Holders of one identity that have the same labels. */
export interface PeerVariant {
  readonly labels: Labels;
  /** Serial numbers of their certificates; empty where all holders of the identity are alike. */
  readonly serials: readonly string[];
}

/** Everybody who holds one identity. */
export interface PeerIdentityFacts {
  /** "spiffe://…". */
  readonly spiffeId: string;
  readonly namespace: string;
  /** None: nobody holds it any more. */
  readonly variants: readonly PeerVariant[];
}

/** What changed of the peers; see `NetworkFacts` in control.proto. */
export interface PeersUpdate {
  /** Everything held before is dropped first. */
  readonly reset: boolean;
  readonly identities: readonly PeerIdentityFacts[];
  /** Labels of Namespace resources by name; undefined where there is none any more. */
  readonly namespaces: readonly (readonly [name: string, labels: Labels | undefined])[];
}

/** Who is at the other end of a connection that mutual TLS has proved, or the address alone. */
export interface PeerProof {
  readonly ip: string;
  /** Identity with its scheme; undefined on plaintext. */
  readonly spiffeId: string | undefined;
  /** Identity without its scheme. */
  readonly principal: string | undefined;
  /** Of its certificate, lower-case hex. */
  readonly serial: string | undefined;
}

/** Which labels callers and namespaces have, as the control plane tells those that need it. */
export class Peers {
  readonly #identities = new Map<string, PeerIdentityFacts>();
  readonly #namespaces = new Map<string, Labels>();

  apply({ reset, identities, namespaces }: PeersUpdate): void {
    if (reset) {
      this.#identities.clear();
      this.#namespaces.clear();
    }
    for (const identity of identities) {
      if (identity.variants.length === 0) this.#identities.delete(identity.spiffeId);
      else this.#identities.set(identity.spiffeId, identity);
    }
    for (const [name, labels] of namespaces) {
      if (labels === undefined) this.#namespaces.delete(name);
      else this.#namespaces.set(name, labels);
    }
  }

  /** Everything that is known, as one update tells it. */
  get all(): PeersUpdate {
    return { reset: true, identities: [...this.#identities.values()], namespaces: [...this.#namespaces] };
  }

  namespaceLabels(name: string): Labels {
    return namespaceLabels(name, this.#namespaces.get(name));
  }

  /**
   * Everything that a peer may be, at least one: its certificate tells holders of an identity apart. One that was not
   * heard of yet may be any of them; an identity that was not heard of is its address and nothing more.
   */
  candidates({ ip, spiffeId, principal, serial }: PeerProof): readonly NetworkPeerFacts[] {
    if (spiffeId === undefined || principal === undefined) return [{ ip }];
    const identity = this.#identities.get(spiffeId);
    if (identity === undefined) return [{ ip, principal }];
    const { namespace, variants } = identity;
    const exact = serial === undefined ? undefined : variants.find(({ serials }) => serials.includes(serial));
    const possible = exact === undefined ? variants : [exact];
    const labelsOfNamespace = this.namespaceLabels(namespace);
    return possible.map(({ labels }) => ({ ip, principal, namespace, labels, namespaceLabels: labelsOfNamespace }));
  }
}
