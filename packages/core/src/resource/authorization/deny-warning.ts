import type { Cursor } from '../cursor.ts';
import type { AuthorizationRule } from './rule.ts';
import { isHttpKey } from './condition-key.ts';

const HTTP_SOURCES: ReadonlySet<string> = new Set(['requestPrincipals', 'notRequestPrincipals']);

/** What is said of such a rule. */
export const DENIES_TCP =
  'denies all traffic to TCP ports in its reach, because nothing but HTTP fields narrows it: name the ports, as in ports: ["8080"]';

/**
 * Where traffic is not HTTP, what a DENY rule asks of HTTP is left out, so that the rule denies more than it says
 * (Istio's warning of the same, for `when` too). A rule that names ports says what it means.
 */
export function warnOfDeniedTcp(at: Cursor, rules: readonly AuthorizationRule[]): void {
  const places = at.items() ?? [];
  if (places.length !== rules.length) return;
  for (const [index, rule] of rules.entries()) {
    if (deniesTcp(rule)) {
      places[index]?.warning(DENIES_TCP);
    }
  }
}

function deniesTcp({ from = [], to = [], when = [] }: AuthorizationRule): boolean {
  if (when.some(({ key, values = [] }) => key === 'destination.port' && values.length > 0)) return false;
  if (to.length > 0) return to.every(({ operation }) => !('ports' in operation) && !('notPorts' in operation));
  if (from.length > 0) return from.every(({ source }) => Object.keys(source).every((field) => HTTP_SOURCES.has(field)));
  return when.length > 0 && when.every(({ key }) => isHttpKey(key));
}
