/** Something data planes must hear of. It says what changed; the state itself says to what. */
export type Change =
  | { readonly kind: 'resource'; readonly key: string; readonly namespace: string }
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string }
  /** Who may stand behind an identity. */
  | { readonly kind: 'identity'; readonly spiffeId: string }
  | { readonly kind: 'revocation'; readonly serial: string }
  | { readonly kind: 'revocation-rule'; readonly id: string }
  /** Revocation lists, which only agents are told. */
  | { readonly kind: 'crl' }
  | { readonly kind: 'bundle' }
  /** Bundles of other trust domains. */
  | { readonly kind: 'federation' };

/** Equal for changes that a reader of the current state need not tell apart. */
export function subjectOf(change: Change): string {
  switch (change.kind) {
    case 'resource':
      return `resource ${change.key}`;
    case 'service':
      return `service ${change.namespace}/${change.name}`;
    case 'identity':
      return `identity ${change.spiffeId}`;
    case 'revocation':
      return `revocation ${change.serial}`;
    case 'revocation-rule':
      return `revocation rule ${change.id}`;
    case 'crl':
      return 'crl';
    case 'bundle':
    case 'federation':
      return change.kind;
  }
}
