import type { ApiTokens } from '../../../admin/api-tokens/api-tokens.ts';
import type { PolicyDesk } from '../../../resources/policy-desk.ts';
import type { ResourceSet } from '../../../resources/resource-set.ts';

/** Where rules and tokens are kept. */
export interface AclParts {
  readonly desk: PolicyDesk;
  readonly resources: ResourceSet;
  readonly apiTokens: ApiTokens;
  readonly rootNamespace: string;
}
