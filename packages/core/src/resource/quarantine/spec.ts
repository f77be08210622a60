import { SpiffeId } from '../../identity/spiffe-id.ts';
import type { Cursor } from '../cursor.ts';

/** Identities that are cut off in both directions, at once and until the resource is deleted. */
export interface QuarantineSpec {
  /** SPIFFE IDs, or "namespace/service-account" of the mesh's own trust domain. */
  readonly identities: readonly string[];
  /** Why, in the words of whoever wrote it. */
  readonly reason?: string;
}

const MAX_REASON = 1024;
const OWN_IDENTITY = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\/[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

export function readQuarantineSpec(at: Cursor): QuarantineSpec | undefined {
  const spec = at.fields<QuarantineSpec>({
    identities: (identities) =>
      identities.list((identity) => identity.checked(identityProblem), 'a list of identities'),
    reason: readReason,
  });
  if (spec === undefined) return undefined;
  const { identities, reason } = spec;
  if (identities === undefined || identities.length === 0) return at.error('needs identities: whom to cut off');
  return { identities, ...(reason === undefined ? {} : { reason }) };
}

function readReason(at: Cursor): string | undefined {
  const reason = at.text();
  return reason !== undefined && reason.length > MAX_REASON
    ? at.error(`is longer than ${MAX_REASON} characters`)
    : reason;
}

function identityProblem(text: string): string | undefined {
  if (OWN_IDENTITY.test(text)) return undefined;
  if (!text.startsWith('spiffe://')) return 'is no identity: write namespace/service-account, or a SPIFFE ID';
  const parsed = SpiffeId.parse(text);
  return parsed.ok ? undefined : parsed.problem;
}
