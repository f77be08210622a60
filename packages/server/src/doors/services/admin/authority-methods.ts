import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AuthorityDescription } from '@rampart/authority';
import { RampartError } from '@rampart/core';
import type { CertificateAuthoritySchema } from '@rampart/wire';
import { type AdminMethods, type AdminParts, operatorOf } from './admin-parts.ts';

type Methods =
  | 'listAuthorities'
  | 'prepareAuthority'
  | 'activateAuthority'
  | 'taintAuthority'
  | 'revokeAuthority'
  | 'requestAuthority'
  | 'installAuthority';

const LONGEST_REASON = 1000;
const MOST_CERTIFICATES = 8;

/** The certificates that sign others. */
export function createAuthorityMethods({ authority, dataPlanes, agents }: AdminParts): AdminMethods<Methods> {
  const { hierarchy } = authority;
  const inUse = (): Map<string, number> => {
    const counts = new Map<string, number>();
    const holders = [...dataPlanes.sessions.map(({ options: { peer } }) => peer), ...agents.holders()];
    for (const serial of holders.flatMap(({ issuerSerials }) => issuerSerials)) {
      counts.set(serial, (counts.get(serial) ?? 0) + 1);
    }
    return counts;
  };
  return {
    listAuthorities: (_request, context) => {
      operatorOf(context);
      const { upstream, warnings, requestedAt } = hierarchy.status();
      const counts = inUse();
      const described = hierarchy.describe();
      // A root is used by whoever uses an intermediate below it: holders are known by those.
      const used = ({ kind, serial }: AuthorityDescription): number =>
        kind === 'intermediate'
          ? (counts.get(serial) ?? 0)
          : described.reduce(
              (sum, each) => sum + (each.kind === 'intermediate' && each.root === serial ? used(each) : 0),
              0,
            );
      return {
        authorities: described.map((each) => ({ ...authorityMessage(each), inUse: used(each) })),
        upstream,
        bundleSequence: BigInt(authority.bundle().sequence),
        warnings: [...warnings],
        requestedAt: BigInt(requestedAt ?? 0),
      };
    },
    prepareAuthority: async ({ kind, certificate }, context) => {
      const operator = operatorOf(context);
      if (certificate.length === 0) return answer(await hierarchy.prepare(kindOf(kind), operator));
      if (kindOf(kind) === 'root') return answer(await hierarchy.publish(certificate, operator));
      throw new RampartError('INVALID_ARGUMENT', 'certificate: only a root is published; an intermediate is installed');
    },
    activateAuthority: async ({ kind, serial, now }, context) => {
      return answer(await hierarchy.activate({ kind: kindOf(kind), serial, now }, operatorOf(context)));
    },
    taintAuthority: async ({ serial, reason }, context) => {
      return answer(await hierarchy.taint(targetOf(serial, reason), operatorOf(context)));
    },
    revokeAuthority: async ({ serial, reason }, context) => {
      return answer(await hierarchy.revoke(targetOf(serial, reason), operatorOf(context)));
    },
    requestAuthority: async ({ fresh }, context) => ({ csr: await hierarchy.request(fresh, operatorOf(context)) }),
    installAuthority: async ({ chain }, context) => {
      const operator = operatorOf(context);
      if (chain.length === 0 || chain.length > MOST_CERTIFICATES) {
        throw new RampartError('INVALID_ARGUMENT', `chain: send 1 to ${MOST_CERTIFICATES} certificates`);
      }
      return answer(await hierarchy.install(chain, operator));
    },
  };
}

function kindOf(kind: string): AuthorityDescription['kind'] {
  if (kind === 'root' || kind === 'intermediate') return kind;
  throw new RampartError('INVALID_ARGUMENT', `kind: ${JSON.stringify(kind)} is neither "root" nor "intermediate"`);
}

function targetOf(serial: string, reason: string): { readonly serial: string; readonly reason: string } {
  if (serial === '')
    throw new RampartError('INVALID_ARGUMENT', 'serial is missing: take it from the list of authorities');
  if (reason === '') throw new RampartError('INVALID_ARGUMENT', 'reason is missing: say why, for the record');
  return { serial, reason: reason.slice(0, LONGEST_REASON) };
}

function answer(authority: AuthorityDescription): {
  readonly authority: MessageInitShape<typeof CertificateAuthoritySchema>;
} {
  return { authority: authorityMessage(authority) };
}

function authorityMessage(authority: AuthorityDescription): MessageInitShape<typeof CertificateAuthoritySchema> {
  const { kind, serial, name, state, root, canSign, der: certificate } = authority;
  return {
    kind,
    serial,
    name,
    state,
    root,
    canSign,
    certificate,
    since: BigInt(authority.since),
    notBefore: BigInt(authority.notBefore),
    notAfter: BigInt(authority.notAfter),
    prepareAt: BigInt(Math.round(authority.prepareAt ?? 0)),
    activateAt: BigInt(Math.round(authority.activateAt ?? 0)),
  };
}
