import { SpiffeId } from './spiffe-id.ts';
import { TrustDomain } from './trust-domain.ts';

/**
 * The principal that a person means: of "spiffe://td/ns/x/sa/y", "td/ns/x/sa/y", or "x/y" for a service account of the
 * mesh's own trust domain; "" stays "", a caller without identity. Throws INVALID_SPIFFE_ID.
 */
export function principalOf(text: string, trustDomain: string): string {
  if (text === '') return '';
  const [namespace, account, ...rest] = text.split('/');
  if (rest.length === 0 && namespace !== undefined && account !== undefined) {
    return SpiffeId.forWorkload(TrustDomain.of(trustDomain), namespace, account).principal;
  }
  return SpiffeId.of(text.startsWith('spiffe://') ? text : `spiffe://${text}`).principal;
}
