import { compileGlob } from './glob.ts';
import { anyOf, compileTextPatterns, parseTextPattern, type TextTest } from './text-patterns.ts';

/** Trust domains that mean "this mesh": the current one and its former names. */
export interface TrustDomains {
  readonly names: readonly string[];
}

/** Istio reads policies written for the default domain as meaning whatever domain the mesh has. */
const DEFAULT_TRUST_DOMAIN = 'cluster.local';

/** Values of `principals`, tested against an identity without its scheme. */
export function compilePrincipals(values: readonly string[], domains: TrustDomains): TextTest {
  return compileTextPatterns(
    values.flatMap((value) => withAliases(value, domains)),
    'non-empty',
  );
}

/** The identities that values of `principals` name one by one; undefined when any of them has a `*`. */
export function exactPrincipals(values: readonly string[], domains: TrustDomains): readonly string[] | undefined {
  const named = values.flatMap((value) => withAliases(value, domains));
  return named.some((value) => parseTextPattern(value).form !== 'exact') ? undefined : named;
}

/**
 * Values of `namespaces`: an identity is of namespace x when "/ns/x/" stands anywhere in it, the slashes of its scheme
 * included. Here, and only here, a `*` counts wherever it stands.
 */
export function compileNamespaces(values: readonly string[]): TextTest {
  return anyOf(
    values.map((value) => {
      const matches = compileGlob(`*/ns/${value}/*`);
      return (text) => matches(`//${text}`);
    }),
  );
}

/** Values of `serviceAccounts`: "account" of the policy's own namespace or "namespace/account", of any trust domain. */
export function compileServiceAccounts(values: readonly string[], policyNamespace: string): TextTest {
  return anyOf(
    values.map((value) => {
      const slash = value.indexOf('/');
      const namespace = slash === -1 ? policyNamespace : value.slice(0, slash);
      return serviceAccount(`/ns/${namespace}/`, `sa/${value.slice(slash + 1)}`);
    }),
  );
}

/** Values of `trustDomains`, exact or with one `*` at an end; only an exact one stands for the mesh's other names too. */
export function compileTrustDomains(values: readonly string[], { names }: TrustDomains): TextTest {
  const isNamed = (value: string): boolean => !value.includes('*') && isLocal(value, names);
  const expanded = values.flatMap((value) => (isNamed(value) ? [...new Set([value, ...names])] : [value]));
  const test = compileTextPatterns(expanded, 'non-empty');
  return (principal) => {
    const slash = principal.indexOf('/');
    return slash > 0 && test(principal.slice(0, slash));
  };
}

/**
 * Istio's form is `.+/ns/<namespace>/(.+/|)sa/<account>(/.+)?`. The first occurrence of the namespace is enough: what a
 * later one could match, the first matches with more in between.
 */
function serviceAccount(namespacePart: string, accountPart: string): TextTest {
  return (text) => {
    const found = text.indexOf(namespacePart, 1);
    if (found === -1) return false;
    const start = found + namespacePart.length;
    for (let at = text.indexOf(accountPart, start); at !== -1; at = text.indexOf(accountPart, at + 1)) {
      const startsSegment = at === start || (at >= start + 2 && text[at - 1] === '/');
      const end = at + accountPart.length;
      const endsSegment = end === text.length || (text[end] === '/' && end + 1 < text.length);
      if (startsSegment && endsSegment) return true;
    }
    return false;
  };
}

/** A principal of this mesh stands for the same workload under every name of the mesh (Istio trust domain aliases). */
function withAliases(principal: string, { names }: TrustDomains): string[] {
  const [domain = '', ...path] = principal.split('/');
  if (path.length !== 4 || domain === '*' || !isLocal(domain, names)) return [principal];
  const isSuffix = domain.startsWith('*');
  const expanded = names.map((name) => {
    const isCovered = isSuffix && name.endsWith(domain.slice(1));
    return [isCovered ? domain : name, ...path].join('/');
  });
  return [...new Set(expanded)];
}

function isLocal(domain: string, names: readonly string[]): boolean {
  if (domain === DEFAULT_TRUST_DOMAIN) return true;
  if (domain.startsWith('*')) return domain !== '*' && names.some((name) => name.endsWith(domain.slice(1)));
  if (domain.endsWith('*')) return names.some((name) => name.startsWith(domain.slice(0, -1)));
  return names.includes(domain);
}
