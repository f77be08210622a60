const MAX_SERVICE_ACCOUNT = 320;

/** "account" or "namespace/account"; no wildcards (Istio `ValidateServiceAccounts`). */
export function serviceAccountProblem(text: string): string | undefined {
  if (text.length > MAX_SERVICE_ACCOUNT) return `must be at most ${MAX_SERVICE_ACCOUNT} characters long`;
  if (text.includes('*')) return 'must not hold "*": service accounts are matched exactly';
  const parts = text.split('/');
  if (parts.length > 2 || parts.includes('')) return 'must be "account" or "namespace/account"';
  return undefined;
}

/** A trust domain with at most one `*`, at an end. */
export function trustDomainPatternProblem(text: string): string | undefined {
  if (text.includes('/')) return 'must be a trust domain, without "/"';
  const star = text.indexOf('*');
  if (star === -1) return undefined;
  if (text.includes('*', star + 1)) return 'must hold at most one "*"';
  return star === 0 || star === text.length - 1 ? undefined : 'may hold "*" at the start or the end only';
}
