import type { CertificateRecord } from '@rampart/authority';
import { RampartError } from '@rampart/core';
import { type AdminMethods, type AdminParts, limitOf, operatorOf } from './admin-parts.ts';

/** The control plane's own service account in the root namespace: no workload may be it. */
export const SERVER_ACCOUNT = 'rampart-server';

const CERTIFICATES = { standard: 100, most: 10_000 };

/** Join tokens and certificates. */
export function createIdentityMethods(
  parts: AdminParts,
): AdminMethods<'createJoinToken' | 'listCertificates' | 'revokeCertificate'> {
  const { authority, rootNamespace } = parts;
  return {
    createJoinToken: async ({ workload, ttlSeconds }, context) => {
      const operator = operatorOf(context);
      if (workload === undefined) {
        throw new RampartError(
          'INVALID_ARGUMENT',
          'workload is missing: say whose token it is (namespace, service_account, service, labels)',
        );
      }
      const { namespace, serviceAccount, service, labels } = workload;
      if (namespace === rootNamespace && serviceAccount === SERVER_ACCOUNT) {
        throw new RampartError(
          'PERMISSION_DENIED',
          `workload: ${rootNamespace}/${SERVER_ACCOUNT} is the control plane itself; choose another service account`,
        );
      }
      const token = await authority.createJoinToken(
        { namespace, serviceAccount, service, labels },
        ttlSeconds === 0 ? undefined : ttlSeconds,
        operator,
      );
      return { token: token.token, spiffeId: token.spiffeId.toString(), expiresAt: BigInt(token.expiresAt) };
    },
    listCertificates: async ({ spiffeId, limit }, context) => {
      operatorOf(context);
      const found = await authority.list({
        limit: limitOf(limit, CERTIFICATES),
        ...(spiffeId === '' ? {} : { spiffeId }),
      });
      return { certificates: found.map(certificateMessage) };
    },
    revokeCertificate: async ({ serial, reason }, context) => {
      const operator = operatorOf(context);
      if (serial === '') {
        throw new RampartError('INVALID_ARGUMENT', 'serial is missing: take it from the list of certificates');
      }
      return { revoked: await authority.revoke(serial, reason, operator) };
    },
  };
}

function certificateMessage({
  revocation,
  workload: _,
  ...record
}: CertificateRecord): Record<string, unknown> & { readonly serial: string } {
  return {
    ...record,
    issuedAt: BigInt(record.issuedAt),
    notBefore: BigInt(record.notBefore),
    notAfter: BigInt(record.notAfter),
    sequence: BigInt(record.sequence),
    revokedAt: BigInt(revocation?.at ?? 0),
    revocationReason: revocation?.reason ?? '',
  };
}
