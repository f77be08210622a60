import type { ServiceImpl } from '@connectrpc/connect';
import type { AdminService } from '@rampart/wire';
import type { AdminParts } from './admin-parts.ts';
import { createApplyMethods } from './apply-methods.ts';
import { createAuthorityMethods } from './authority-methods.ts';
import { createIdentityMethods } from './identity-methods.ts';
import { createLogMethods } from './log-methods.ts';
import { createPolicyMethods } from './policy-methods.ts';
import { createReplayMethods } from './replay-methods.ts';
import { createHistoryMethods, createResourceMethods } from './resource-methods.ts';
import { createStatusMethods } from './status-methods.ts';
import { createTrafficMethods } from './traffic-methods.ts';

/** What operators, the CLI and the console ask. */
export function createAdminService(parts: AdminParts): ServiceImpl<typeof AdminService> {
  return {
    ...createApplyMethods(parts),
    ...createResourceMethods(parts),
    ...createHistoryMethods(parts),
    ...createReplayMethods(parts),
    ...createPolicyMethods(parts),
    ...createLogMethods(parts),
    ...createTrafficMethods(parts),
    ...createIdentityMethods(parts),
    ...createAuthorityMethods(parts),
    ...createStatusMethods(parts),
  };
}
