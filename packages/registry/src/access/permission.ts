import type { AclPolicy } from '@rampart/core';

/** What somebody asks to do: discover, register, or change what is another's. */
export type RegistryAction = 'read' | 'write' | 'admin';

/** Whether a policy of a rule lets an action be done. */
export function hasPermission(policy: AclPolicy, action: RegistryAction): boolean {
  if (policy === 'admin') return true;
  if (policy === 'write') return action === 'read' || action === 'write';
  return policy === 'read' && action === 'read';
}
