import { DEFAULT_NAMESPACE, type IdentityPattern } from '@rampart/core';
import type { RegistryIdentity } from '../admission/identity.ts';

/** Whether a rule is about this caller. */
export function matchesIdentity(pattern: IdentityPattern, caller: RegistryIdentity): boolean {
  switch (pattern.kind) {
    case 'everyone':
      return true;
    case 'authenticated':
      return caller.kind !== 'anonymous';
    case 'anonymous':
      return caller.kind === 'anonymous';
    case 'spiffe':
      return caller.kind === 'spiffe' && pattern.matches(caller.id.toString());
    case 'token':
      return caller.kind === 'token' && pattern.matches(caller.name);
    case 'operator':
      return caller.kind === 'operator' && pattern.matches(caller.name);
    case 'team':
      return caller.kind === 'token' && caller.teams.some((team) => pattern.matches(team));
  }
}

/** Where a caller is at home: rules without a namespace hold there. Who is of no namespace is at home in "default". */
export function homeOf(caller: RegistryIdentity): string {
  return caller.kind === 'spiffe' ? (caller.id.namespace ?? DEFAULT_NAMESPACE) : DEFAULT_NAMESPACE;
}
