import type { Cursor } from '../cursor.ts';
import { checkTargets, readTargetRef, readTargetRefs, type TargetRef } from '../authorization/target-ref.ts';
import { readSelector, type WorkloadSelector } from '../selector.ts';
import { readJwtRules, writeJwtRule, type JwtRule } from './jwt-rule.ts';

/** istio/api `security/v1beta1/request_authentication.proto`. */
export interface RequestAuthenticationSpec {
  readonly selector?: WorkloadSelector;
  /** The older single `targetRef` is read into this list. */
  readonly targetRefs?: readonly TargetRef[];
  /** Empty: the resource changes nothing. */
  readonly jwtRules: readonly JwtRule[];
}

interface SpecFields extends RequestAuthenticationSpec {
  readonly targetRef: TargetRef;
}

export function readRequestAuthenticationSpec(at: Cursor): RequestAuthenticationSpec | undefined {
  const fields = at.fields<SpecFields>({
    selector: readSelector,
    targetRefs: readTargetRefs,
    targetRef: readTargetRef,
    jwtRules: readJwtRules,
  });
  if (fields === undefined) return undefined;
  checkTargets(at, fields);
  if (fields.jwtRules === undefined ? at.child('jwtRules').value === undefined : fields.jwtRules.length === 0) {
    at.warning('has no jwtRules: it changes nothing');
  }
  const { targetRef, jwtRules = [], ...rest } = fields;
  return { ...rest, jwtRules, ...(targetRef === undefined ? {} : { targetRefs: [targetRef] }) };
}

export function writeRequestAuthenticationSpec(spec: RequestAuthenticationSpec): object {
  return { ...spec, jwtRules: spec.jwtRules.map(writeJwtRule) };
}
