import type { RequestAttributes } from '../../attributes.ts';
import { claimText, claimTexts } from '../../match/claims.ts';
import { compileRequestPrincipals } from '../../match/request-principal.ts';
import { compileTextPatterns } from '../../match/text-patterns.ts';
import type { RequestCheck } from './check.ts';
import { checksOf, type FieldValues } from './field-values.ts';
import { claimSubject, REQUEST_PRINCIPAL } from './subjects.ts';

/** No verified token matches no value: `notRequestPrincipals: ["*"]` is how a policy names requests without one. */
export function requestPrincipalChecks(field: FieldValues): RequestCheck[] {
  return checksOf<RequestAttributes>(field, REQUEST_PRINCIPAL, (values) => {
    const test = compileRequestPrincipals(values);
    return ({ token }) => {
      if (token === undefined) return false;
      const issuer = claimText(token, 'iss');
      const subject = claimText(token, 'sub');
      return issuer !== undefined && subject !== undefined && test(issuer, subject);
    };
  });
}

export function claimChecks(field: FieldValues, path: readonly string[]): RequestCheck[] {
  return checksOf<RequestAttributes>(field, claimSubject(path), (values) => {
    const test = compileTextPatterns(values, 'non-empty');
    return ({ token }) => token !== undefined && claimTexts(token, path).some(test);
  });
}
