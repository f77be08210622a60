import { RampartError, SpiffeId } from '@rampart/core';
import type { TrustDomain } from '@rampart/core';

/**
 * `spiffe://<trust domain>/agent/<attestor>/<id>`; `id` may have several segments. Throws `RampartError` INVALID_ARGUMENT when
 * that is no SPIFFE ID.
 */
export function agentIdOf(trustDomain: TrustDomain, attestor: string, id: string): SpiffeId {
  const parsed = SpiffeId.parse(`spiffe://${trustDomain.name}/agent/${attestor}/${id}`);
  if (parsed.ok) return parsed.value;
  throw new RampartError('INVALID_ARGUMENT', `${JSON.stringify(id)} names no agent: ${parsed.problem}`);
}
