import { isGlob, isText, Unsettled } from './text.ts';

const SCHEME = 'spiffe://';

/** Names of this mesh; the first is the current one. */
export type MeshNames = readonly string[];

/** One value of `principals`. */
export function isPrincipal(value: string, principal: string, names: MeshNames): boolean {
  return aliasesOf(value, names).some((each) => isText(each, principal, 'non-empty'));
}

/** A principal of this mesh is meant under each of its names. */
function aliasesOf(value: string, names: MeshNames): string[] {
  const [domain = '', ...path] = value.split('/');
  if (path.length !== 4 || domain === '*') return [value];
  if (domain.includes('*')) throw new Unsettled('a wildcard in the trust domain');
  return isOurs(domain, names) ? names.map((name) => [name, ...path].join('/')) : [value];
}

function isOurs(domain: string, names: MeshNames): boolean {
  return domain === 'cluster.local' || names.includes(domain);
}

/** One value of `namespaces`: `.*` + "/ns/" + value + "/" + `.*` over the whole ID. */
export function isNamespace(value: string, principal: string): boolean {
  return isGlob(`*/ns/${value}/*`, SCHEME + principal);
}

/** One value of `serviceAccounts`: `spiffe://.+/ns/<ns>/(.+/|)sa/<sa>(/.+)?`. */
export function isServiceAccount(value: string, principal: string, policyNamespace: string): boolean {
  const [first = '', second] = value.split('/');
  const [namespace, account] = second === undefined ? [policyNamespace, first] : [first, second];
  const [ns, sa] = [namespace, account].map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  return new RegExp(`^spiffe://.+/ns/${ns}/(?:.+/|)sa/${sa}(?:/.+)?$`, 's').test(SCHEME + principal);
}

/** One value of `trustDomains`. */
export function isTrustDomain(value: string, principal: string, names: MeshNames): boolean {
  const slash = principal.indexOf('/');
  if (slash < 1) throw new Unsettled('an ID that is no workload');
  if (value === '*') return true;
  const domain = principal.slice(0, slash);
  if (value.includes('*')) {
    if (domain === '' || names.some((name) => isText(value, name, 'non-empty')))
      throw new Unsettled('aliases of a pattern');
    return isText(value, domain, 'non-empty');
  }
  return (isOurs(value, names) ? [value, ...names] : [value]).includes(domain);
}

/** One value of `requestPrincipals`: issuer and subject, parted at the last slash, each matched for itself. */
export function isRequestPrincipal(value: string, issuer: string, subject: string): boolean {
  const slash = value.lastIndexOf('/');
  if (value === '*') return issuer !== '' && subject !== '';
  if (slash !== -1 && /^\*.*\*$|.\*./s.test(value)) throw new Unsettled('a wildcard in the middle, or two');
  let parts: readonly [string, string] = [value.slice(0, slash), value.slice(slash + 1)];
  if (slash === -1) parts = value.startsWith('*') ? ['*', value] : [value, value.endsWith('*') ? '*' : ''];
  return isText(parts[0], issuer, 'non-empty') && isText(parts[1], subject, 'non-empty');
}
