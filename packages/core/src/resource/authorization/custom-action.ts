import type { AuthorizationRule } from './rule.ts';
import type { Cursor } from '../cursor.ts';

const SOURCE_FIELDS = [
  'namespaces',
  'serviceAccounts',
  'trustDomains',
  'principals',
  'requestPrincipals',
  'notNamespaces',
  'notServiceAccounts',
  'notTrustDomains',
  'notPrincipals',
  'notRequestPrincipals',
] as const;
const KEYS = /^(?:source\.(?:namespace|serviceAccount|trustDomain|principal)$|request\.auth\.)/;

/** An external authorizer is asked before the caller's identity is judged, so its rules cannot name one (Istio). */
export function checkCustomRules(at: Cursor, rules: readonly AuthorizationRule[]): void {
  if (!Array.isArray(at.value)) return;
  rules.forEach((rule, index) => {
    const place = at.child(index);
    (rule.from ?? []).forEach((entry, position) => {
      const source = place.child('from').child(position).child('source');
      for (const field of SOURCE_FIELDS) {
        if (entry.source[field] !== undefined) source.child(field).misplaced('cannot be used with action CUSTOM');
      }
    });
    (rule.when ?? []).forEach((condition, position) => {
      if (KEYS.test(condition.key))
        place.child('when').child(position).child('key').error('cannot be used with action CUSTOM');
    });
  });
}
