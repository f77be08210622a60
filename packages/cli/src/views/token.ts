import { printable } from '../render/text.ts';
import type { PresentedToken } from '../token/presented-token.ts';
import type { TokenFinding } from '../token/token-check.ts';

/** The line of a verdict that says whose token was sent, and whether it is genuine. Ends with a newline. */
export function renderToken({ claims }: PresentedToken, { signature, detail }: TokenFinding): string {
  return `  token   ${printable(`${textOf(claims['iss'])}/${textOf(claims['sub'])}, signature ${signature}: ${detail}`)}\n`;
}

/** The same as plain data; nothing of the token but whose it is. */
export function tokenData({ claims }: PresentedToken, { signature, detail }: TokenFinding): object {
  return { issuer: textOf(claims['iss']), subject: textOf(claims['sub']), signature, detail };
}

function textOf(claim: unknown): string {
  return typeof claim === 'string' ? claim : '';
}
