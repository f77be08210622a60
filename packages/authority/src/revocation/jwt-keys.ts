import type { JwtAuthorities } from '../jwt/jwt-svid-issuer.ts';
import type { RevocationDesk } from './desk.ts';
import type { RevocationEpoch } from './store.ts';

const AUTHORITY = { requestedBy: 'authority', sourceIp: '' };

/**
 * Has revocations of JWT keys remembered apart from the database, too: after an old copy of that was put back, a key that was
 * revoked since must neither sign nor be believed again.
 */
export async function keepJwtKeyRevocations(
  jwt: Pick<JwtAuthorities, 'revoke' | 'onRevoking'>,
  { desk, epoch }: { readonly desk: RevocationDesk; readonly epoch: RevocationEpoch },
): Promise<void> {
  for (const act of epoch.acts) if (act.kind === 'jwt-key') await jwt.revoke(act.keyId, AUTHORITY);
  jwt.onRevoking((key, { requestedBy: name, sourceIp }) => desk.revokeJwtKey(key, { name, sourceIp }));
}
