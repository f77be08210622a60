import type { CertificateRecord, JoinToken } from '@rampart/authority';
import { RampartError } from '@rampart/core';
import { SERVER_ACCOUNT } from '../../../resources/issuability.ts';
import { type AdminMethods, type AdminParts, limitOf, operatorOf } from './admin-parts.ts';

const CERTIFICATES = { standard: 100, most: 10_000 };

/** Join tokens and certificates. */
export function createIdentityMethods(
  parts: AdminParts,
): AdminMethods<'createJoinToken' | 'listCertificates' | 'revokeCertificate'> {
  const { authority, rootNamespace } = parts;
  return {
    createJoinToken: async ({ workload, agent, ttlSeconds }, context) => {
      const operator = operatorOf(context);
      const ttl = ttlSeconds === 0 ? undefined : ttlSeconds;
      if (agent !== '' && workload === undefined) {
        return tokenMessage(await authority.createAgentToken(agent, ttl, operator));
      }
      if (agent !== '') {
        throw new RampartError(
          'INVALID_ARGUMENT',
          'workload and agent cannot stand together: a token is for one of them',
        );
      }
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
      const token = await authority.createJoinToken({ namespace, serviceAccount, service, labels }, ttl, operator);
      return tokenMessage(token);
    },
    listCertificates: async ({ spiffeId, limit, before }, context) => {
      operatorOf(context);
      const found = await authority.list({
        limit: limitOf(limit, CERTIFICATES),
        ...(spiffeId === '' ? {} : { spiffeId }),
        ...(before === 0n ? {} : { before: Number(before) }),
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

function tokenMessage({ token, spiffeId, expiresAt }: JoinToken): {
  token: string;
  spiffeId: string;
  expiresAt: bigint;
} {
  return { token, spiffeId: spiffeId.toString(), expiresAt: BigInt(expiresAt) };
}

/** A certificate on record, as the API says it. */
export function certificateMessage({
  revocation,
  workload,
  attestation: _,
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
    labels: { ...workload?.labels },
  };
}
