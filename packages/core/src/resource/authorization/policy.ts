import { warnOfDeniedTcp } from './deny-warning.ts';
import { readRules, type AuthorizationRule } from './rule.ts';
import { checkCustomRules } from './custom-action.ts';
import type { Cursor } from '../cursor.ts';
import { readProviderName } from '../mesh-config/provider.ts';
import { readSelector, type WorkloadSelector } from '../selector.ts';
import { checkTargets, readTargetRef, readTargetRefs, type TargetRef } from './target-ref.ts';

export type AuthorizationAction = 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM';

/** istio/api `security/v1beta1/authorization_policy.proto`. */
export interface AuthorizationPolicySpec {
  readonly selector?: WorkloadSelector;
  /** The older single `targetRef` is read into this list. */
  readonly targetRefs?: readonly TargetRef[];
  /** ALLOW where the document names none. */
  readonly action: AuthorizationAction;
  /** Absent or empty: the policy never matches, so ALLOW allows nothing. */
  readonly rules?: readonly AuthorizationRule[];
  /** External authorizer, for action CUSTOM. */
  readonly provider?: ExtensionProvider;
}

export interface ExtensionProvider {
  readonly name: string;
}

interface SpecFields extends AuthorizationPolicySpec {
  readonly targetRef: TargetRef;
}

const ACTIONS: readonly AuthorizationAction[] = ['ALLOW', 'DENY', 'AUDIT', 'CUSTOM'];

export function readAuthorizationPolicySpec(at: Cursor): AuthorizationPolicySpec | undefined {
  const fields = at.fields<SpecFields>({
    selector: readSelector,
    targetRefs: readTargetRefs,
    targetRef: readTargetRef,
    action: (action) => action.word(ACTIONS),
    rules: readRules,
    provider: readProvider,
  });
  if (fields === undefined) return undefined;
  const { targetRef, action = 'ALLOW', ...rest } = fields;
  checkTargets(at, fields);
  checkAction(at, action, fields);
  return { ...rest, action, ...(targetRef === undefined ? {} : { targetRefs: [targetRef] }) };
}

function checkAction(at: Cursor, action: AuthorizationAction, fields: Partial<SpecFields>): void {
  const { provider, rules } = fields;
  const hasRules = at.child('rules').value !== undefined && (rules === undefined || rules.length > 0);
  if ((action === 'DENY' || action === 'CUSTOM') && !hasRules) {
    at.error(`action ${action} needs rules: without any it would never match (rules: [{}] matches everything)`);
  }
  if (action !== 'CUSTOM' && provider !== undefined) {
    at.child('provider').misplaced(`has no meaning for action ${action}: only CUSTOM asks a provider`);
  }
  if (action === 'DENY' && rules !== undefined) warnOfDeniedTcp(at.child('rules'), rules);
  if (action !== 'CUSTOM') return;
  if (at.child('provider').value === undefined) at.error('action CUSTOM needs a provider: add provider.name');
  checkCustomRules(at.child('rules'), rules ?? []);
}

function readProvider(at: Cursor): ExtensionProvider | undefined {
  const fields = at.fields<ExtensionProvider>({ name: readProviderName });
  if (fields === undefined) return undefined;
  if (at.child('name').value === undefined) return at.error('needs a name');
  return fields.name === undefined ? undefined : { name: fields.name };
}
