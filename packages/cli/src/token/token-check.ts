import {
  type ParsedToken,
  qualifiedName,
  readToken,
  type RequestAuthentication,
  type Resource,
  rulesOfIssuer,
  type ServiceTokenPolicy,
  type TokenDecoder,
  userClaimsProblem,
} from '@rampart/core';
import type { PresentedToken } from './presented-token.ts';
import type { KeyPlace } from './key-sets.ts';
import type { SignatureVerdict } from './signature.ts';

/** What is known of a token beyond its claims. */
export interface TokenFinding {
  readonly signature: SignatureVerdict['kind'];
  /** "with the keys of RequestAuthentication shop/users", or why it was not checked. */
  readonly detail: string;
  /** "RequestAuthentication: Jwt verification fails" where a data plane answers with 401 whatever the claims would open. */
  readonly refused?: string;
}

/** What one rule, or policy, makes of a token. */
interface Opinion {
  /** "RequestAuthentication shop/users". */
  readonly resource: string;
  readonly signature: SignatureVerdict;
  /** What it has against the token; undefined when nothing, as far as anybody can tell from here. */
  readonly problem: string | undefined;
}

const KEYS_TIMEOUT_MS = 5000;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const decoder: TokenDecoder = {
  fromBase64Url: (text) => Buffer.from(text, 'base64url'),
  toBase64Url: (bytes) => Buffer.from(bytes).toString('base64url'),
  fromUtf8: (bytes) => utf8.decode(bytes),
};

/** Reads and verifies a token as the data plane of the callee would, by the resources that are about it. `now` is Unix milliseconds. */
export async function checkToken(
  { text }: PresentedToken,
  resources: readonly Resource[],
  now: number,
): Promise<TokenFinding> {
  if (text === undefined) return { signature: 'not checked', detail: 'only claims were given' };
  const users = resources.filter((resource) => resource.kind === 'RequestAuthentication');
  const services = resources.filter((resource) => resource.kind === 'ServiceTokenPolicy');
  const readers = [...(users.length === 0 ? [] : [USER]), ...(services.length === 0 ? [] : [SERVICE])];
  if (readers[0] === undefined) return { signature: 'not checked', detail: NOT_ABOUT };
  const token = readToken(text, decoder);
  if (!token.ok) {
    return { signature: 'not checked', detail: token.problem, refused: `${readers[0]}: ${token.problem}` };
  }
  const [byUsers, byServices] = await Promise.all([
    userOpinions(token.value, users, now),
    serviceOpinions(token.value, services),
  ]);
  const refused = refusalOf(USER, byUsers) ?? refusalOf(SERVICE, byServices);
  const finding = findingOf([...byUsers, ...byServices]);
  return refused === undefined ? finding : { ...finding, refused };
}

const USER = 'RequestAuthentication';
const SERVICE = 'ServiceTokenPolicy';
const NOT_ABOUT = 'no policy of this service is about tokens of its issuer';

/** What verifies is loaded for a token alone: most questions are asked without one. */
async function verdictOn(token: ParsedToken, place: KeyPlace): Promise<SignatureVerdict> {
  const { verifySignature } = await import('./signature.ts');
  return verifySignature(token, place);
}

function userOpinions(token: ParsedToken, policies: readonly RequestAuthentication[], now: number): Promise<Opinion[]> {
  const rules = policies.flatMap((policy) =>
    policy.spec.jwtRules.map((rule) => ({ ...rule, resource: `${USER} ${qualifiedName(policy)}` })),
  );
  return Promise.all(
    rulesOfIssuer(rules, token.issuer).map(async (rule): Promise<Opinion> => {
      const signature = await verdictOn(token, rule);
      const problem = userClaimsProblem(rule, token, now) ?? problemOf(signature);
      return { resource: rule.resource, signature, problem };
    }),
  );
}

/** Their claims are for the policies to judge, which answer in another order: the signature comes first. */
function serviceOpinions(token: ParsedToken, policies: readonly ServiceTokenPolicy[]): Promise<Opinion[]> {
  return Promise.all(
    policies
      .filter(({ spec }) => spec.issuer === token.issuer)
      .map(async (policy): Promise<Opinion> => {
        const signature = await verdictOn(token, { ...policy.spec, timeoutMs: KEYS_TIMEOUT_MS });
        return { resource: `${SERVICE} ${qualifiedName(policy)}`, signature, problem: problemOf(signature) };
      }),
  );
}

function problemOf(signature: SignatureVerdict): string | undefined {
  return signature.kind === 'wrong' ? signature.problem : undefined;
}

/** One that has nothing against the token is enough. */
function refusalOf(kind: string, opinions: readonly Opinion[]): string | undefined {
  if (opinions.some(({ problem }) => problem === undefined)) return undefined;
  const last = opinions.at(-1)?.problem;
  return last === undefined ? undefined : `${kind}: ${last}`;
}

function findingOf(opinions: readonly Opinion[]): TokenFinding {
  const verified = opinions.find(({ signature }) => signature.kind === 'verified');
  if (verified !== undefined) return { signature: 'verified', detail: `with the keys of ${verified.resource}` };
  const unchecked = opinions.flatMap((opinion) => reasonOf(opinion, 'not checked'));
  if (unchecked.length > 0) return { signature: 'not checked', detail: unchecked.join('; ') };
  const wrong = opinions.flatMap((opinion) => reasonOf(opinion, 'wrong'));
  return wrong.length > 0
    ? { signature: 'wrong', detail: wrong.join('; ') }
    : { signature: 'not checked', detail: NOT_ABOUT };
}

function reasonOf({ resource, signature }: Opinion, kind: 'wrong' | 'not checked'): string[] {
  return signature.kind === kind ? [`${resource}: ${signature.problem}`] : [];
}
