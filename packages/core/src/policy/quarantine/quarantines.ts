import type { Quarantine } from '../../resource/resource.ts';
import { qualifiedName } from '../../resource/resource.ts';
import { verdictOf } from '../authorization/verdicts.ts';
import type { WorkloadRef } from '../selection.ts';
import type { Verdict } from '../verdict.ts';

const SCHEME = 'spiffe://';

/** Who is cut off, as one workload has to know it. */
export interface Quarantines {
  /** True where somebody is. */
  readonly isActive: boolean;
  /** A DENY verdict where this workload itself is cut off: nothing comes in, nothing goes out. */
  readonly own: Verdict | undefined;
  /** A DENY verdict where that principal ("cluster.local/ns/shop/sa/orders-api") is cut off. */
  of(principal: string | undefined): Verdict | undefined;
}

export const NO_QUARANTINE: Quarantines = { isActive: false, own: undefined, of: () => undefined };

/** All Quarantines of the mesh, ready to be asked. */
export function compileQuarantines(
  resources: readonly Quarantine[],
  workload: Pick<WorkloadRef, 'namespace' | 'serviceAccount'>,
  trustDomain: string,
): Quarantines {
  if (resources.length === 0) return NO_QUARANTINE;
  const verdicts = new Map<string, Verdict>();
  for (const resource of resources) {
    for (const identity of resource.spec.identities) {
      const principal = principalOf(identity, trustDomain);
      if (!verdicts.has(principal)) verdicts.set(principal, verdictBy(resource, principal));
    }
  }
  const { namespace, serviceAccount } = workload;
  return {
    isActive: true,
    own: verdicts.get(principalOf(`${namespace}/${serviceAccount}`, trustDomain)),
    of: (principal) => (principal === undefined ? undefined : verdicts.get(principal)),
  };
}

function principalOf(identity: string, trustDomain: string): string {
  if (identity.startsWith(SCHEME)) return identity.slice(SCHEME.length);
  const [namespace = '', serviceAccount = ''] = identity.split('/');
  return `${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

function verdictBy(resource: Quarantine, principal: string): Verdict {
  const policy = qualifiedName(resource);
  const why = resource.spec.reason === undefined ? '' : `: ${resource.spec.reason}`;
  const reason = `${principal} is in quarantine by Quarantine ${policy}${why}`;
  return verdictOf({ decision: 'DENY', policy, rule: -1, action: '', reason, mode: 'quarantine' });
}
