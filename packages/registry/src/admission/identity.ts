import { BoundedCache, type SpiffeId } from '@rampart/core';

/** Who asks something of the registry, as the door found out. */
export type RegistryIdentity =
  /**
   * Proved a SPIFFE ID. `service`: the one it was attested as, "" for a pure client; undefined where nobody asked. `serial`: of
   * the certificate that proved it, lower-case hex; absent where a token did.
   */
  | { readonly kind: 'spiffe'; readonly id: SpiffeId; readonly service?: string; readonly serial?: string }
  /** Showed a token of the registry's own. */
  | { readonly kind: 'token'; readonly name: string; readonly teams: readonly string[] }
  /** Showed a token of the admin API. `looksOnly`: its role is one that changes nothing. */
  | { readonly kind: 'operator'; readonly name: string; readonly looksOnly?: boolean }
  | { readonly kind: 'anonymous' };

/** How the record and the owner of an instance name it: a SPIFFE ID, "token:NAME", "operator:NAME", "anonymous". */
export function nameOfIdentity(identity: RegistryIdentity): string {
  switch (identity.kind) {
    case 'spiffe':
      return identity.id.toString();
    case 'token':
    case 'operator':
      return `${identity.kind}:${identity.name}`;
    case 'anonymous':
      return 'anonymous';
  }
}

const MOST_NAMES = 10_000;
const names = new BoundedCache<string, string>(MOST_NAMES);

/** The same, as one text for all that is kept of an identity: one that registers many instances is named with each of them. */
export function sharedNameOf(identity: RegistryIdentity): string {
  const name = nameOfIdentity(identity);
  const shared = names.get(name);
  if (shared === undefined) names.set(name, name);
  return shared ?? name;
}
