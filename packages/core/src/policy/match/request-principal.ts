import type { TextTest } from './text-patterns.ts';

/** Whether issuer and subject of a token are what was asked for. */
export type RequestPrincipalTest = (issuer: string, subject: string) => boolean;

/** Values of `requestPrincipals`: "issuer/subject", with `*` where Istio takes one. */
export function compileRequestPrincipals(values: readonly string[]): RequestPrincipalTest {
  const tests = values.map(requestPrincipal);
  return (issuer, subject) => tests.some((test) => test.issuer(issuer) && test.subject(subject));
}

interface Halves {
  readonly issuer: TextTest;
  readonly subject: TextTest;
}

const isPresent: TextTest = (text) => text !== '';

/**
 * The last slash parts issuer and subject, because issuers are URLs. A `*` in front belongs to the issuer and makes the
 * subject exact, even where that is "*"; without a slash it is the subject's. One at the end belongs to the subject, or
 * without a slash to the issuer. With neither, the subject is what stands behind the slash, or nothing.
 */
function requestPrincipal(value: string): Halves {
  const slash = value.lastIndexOf('/');
  const issuer = slash === -1 ? value : value.slice(0, slash);
  const subject = slash === -1 ? '' : value.slice(slash + 1);
  if (value === '*') return { issuer: isPresent, subject: isPresent };
  if (value.startsWith('*')) {
    if (slash === -1) return { issuer: isPresent, subject: endsWith(value.slice(1)) };
    return { issuer: issuer === '*' ? isPresent : endsWith(issuer.slice(1)), subject: exactly(subject) };
  }
  if (value.endsWith('*')) {
    if (slash === -1) return { issuer: startsWith(value.slice(0, -1)), subject: isPresent };
    return { issuer: exactly(issuer), subject: subject === '*' ? isPresent : startsWith(subject.slice(0, -1)) };
  }
  return { issuer: exactly(issuer), subject: exactly(subject) };
}

function exactly(wanted: string): TextTest {
  return (text) => text === wanted;
}

function startsWith(prefix: string): TextTest {
  return (text) => text.startsWith(prefix);
}

function endsWith(suffix: string): TextTest {
  return (text) => text.endsWith(suffix);
}
