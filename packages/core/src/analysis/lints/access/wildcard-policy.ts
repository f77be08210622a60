import type { AuthorizationRule } from '../../../resource/authorization/rule.ts';
import { isHealthCheck } from '../../lint/health-check.ts';
import type { Lint } from '../../lint/lint.ts';
import { asksWho, openField } from '../../lint/openness.ts';

export const wildcardPolicy: Lint = {
  code: 'RAMP2001',
  name: 'wildcard-policy',
  severity: 'warning',
  title: 'an ALLOW rule lets in anybody, or lets its callers do anything',
  find: (mesh) =>
    mesh.rules
      .filter(({ policy }) => policy.spec.action === 'ALLOW')
      .flatMap(({ policy: resource, rule, at }) => widths(rule, at).map((sighting) => ({ resource, ...sighting }))),
};

function widths(rule: AuthorizationRule, at: string): readonly { readonly field: string; readonly message: string }[] {
  if (Object.keys(rule).length === 0) {
    return [{ field: at, message: 'an empty rule allows everything to everybody: name who may call, and what' }];
  }
  if (isHealthCheck(rule)) return [];
  const asking = (rule.when ?? []).filter(asksWho);
  // Whoever calls chooses the headers: they narrow no source.
  const isNarrowed = asking.some(({ key }) => !key.startsWith('request.headers'));
  const sources = (rule.from ?? []).flatMap(({ source }, index) => {
    const open = openField(source);
    if (open === undefined || isNarrowed) return [];
    return [{ field: `${at}.from[${index}].source.${open.field}`, message: open.message }];
  });
  if (sources.length > 0) return sources;
  if ((rule.from ?? []).length === 0 && asking.length === 0) {
    return [{ field: at, message: 'a rule without from lets in everybody who reaches the port: name who may call' }];
  }
  return (rule.to ?? []).flatMap(({ operation }, index) => {
    const { methods = [], paths = [] } = operation;
    const isOpen = [...methods, ...paths].length > 0 && [...methods, ...paths].every(isEverything);
    const field = `${at}.to[${index}].operation`;
    return isOpen ? [{ field, message: 'every method and path is allowed: name those that callers need' }] : [];
  });
}

function isEverything(value: string): boolean {
  return value === '*' || value === '/*' || value === '/{**}';
}
