import { ok, selectorTextProblem } from '@rampart/core';
import type { Attestor, AwsIamAttestor, Result, TrustDomain } from '@rampart/core';
import { bindingText } from '@rampart/spiffe';
import type { AskOutside } from '../../outside/ask.ts';
import type { Challenges } from '../challenges.ts';
import { disbelieve } from '../evidence.ts';
import type { AttestationContext, Attested, AwsIamEvidence, EvidenceProblem } from '../evidence.ts';
import { agentPathOf, readCallerIdentity, selectorsOf } from './caller-identity.ts';
import type { CallerIdentity } from './caller-identity.ts';
import { readSignedRequest } from './signed-request.ts';
import type { SignedRequest } from './signed-request.ts';

export interface AwsIamJudgeOptions {
  readonly trustDomain: TrustDomain;
  readonly challenges: Challenges;
  readonly ask: AskOutside;
  attestors(): readonly Attestor[];
}

/** Believes whoever can have AWS say who they are: their signed request is sent to STS, which alone can verify it. */
export class AwsIamJudge {
  readonly #options: AwsIamJudgeOptions;

  constructor(options: AwsIamJudgeOptions) {
    this.#options = options;
  }

  async judge(evidence: AwsIamEvidence, { csr }: AttestationContext): Promise<Result<Attested, EvidenceProblem>> {
    const { challenges, trustDomain } = this.#options;
    const once = challenges.check(evidence.nonce);
    if (!once.ok) return once;
    const { nonce } = evidence;
    const serverId = bindingText({ label: 'rampart aws-iam v1', trustDomain: trustDomain.name, nonce, csr });
    const known = await this.#caller(evidence, serverId);
    if (!known.ok) return known;
    const { caller, stsEndpoint } = known.value;
    let refusal = disbelieve('aws-account', 'no attestor here takes this account');
    for (const attestor of this.#options.attestors()) {
      const { awsIam } = attestor.spec;
      if (awsIam?.stsEndpoint !== stsEndpoint || !awsIam.accounts.includes(caller.account)) continue;
      if (!takesPrincipal(awsIam, caller)) {
        refusal = disbelieve('aws-principal', 'no attestor here takes this role or user');
        continue;
      }
      const selectors = selectorsOf(caller, attestor.metadata.name);
      return ok({
        attestor,
        selectors: selectors.filter((selector) => selectorTextProblem(selector) === undefined),
        agentPath: agentPathOf(caller),
        once: once.value,
      });
    }
    return refusal;
  }

  /** Sends the request to the first endpoint it is sound for: attestors of one endpoint share its answer. */
  async #caller(
    evidence: AwsIamEvidence,
    serverId: string,
  ): Promise<Result<{ readonly caller: CallerIdentity; readonly stsEndpoint: string }, EvidenceProblem>> {
    let refusal = disbelieve('aws-no-attestor', 'no attestor here takes requests to AWS STS');
    for (const { spec } of this.#options.attestors()) {
      if (spec.awsIam === undefined) continue;
      const { stsEndpoint } = spec.awsIam;
      const request = readSignedRequest(evidence, { endpoint: new URL(stsEndpoint), serverId });
      if (request.ok) {
        const caller = await this.#send(request.value, spec.awsIam);
        return caller.ok ? ok({ caller: caller.value, stsEndpoint }) : caller;
      }
      // Of several endpoints, what was wrong with the request at its own one is what its sender wants to know.
      if (refusal.problem.rule === 'aws-no-attestor' || refusal.problem.rule === 'aws-endpoint') refusal = request;
    }
    return refusal;
  }

  async #send(
    { headers, body }: SignedRequest,
    { stsEndpoint, caBundle }: AwsIamAttestor,
  ): Promise<Result<CallerIdentity, EvidenceProblem>> {
    const roots = caBundle === undefined ? {} : { roots: caBundle };
    try {
      const url = new URL(stsEndpoint);
      const length = { 'content-length': String(body.length) };
      const answer = await this.#options.ask({
        method: 'POST',
        url,
        headers: { ...headers, ...length },
        body,
        ...roots,
      });
      if (answer.status === 200) return readCallerIdentity(answer.text);
      if (answer.status >= 500) return disbelieve('aws-unavailable', `STS answered ${answer.status}`);
      return disbelieve('aws-refused', `STS did not accept the request: it answered ${answer.status}`);
    } catch (error) {
      return disbelieve('aws-unavailable', error instanceof Error ? error.message : 'STS could not be asked');
    }
  }
}

function takesPrincipal({ principals }: AwsIamAttestor, { principal }: CallerIdentity): boolean {
  return principals === undefined || principals.some((pattern) => matches(pattern, principal));
}

/** One `*` at an end, as in every list of patterns. */
function matches(pattern: string, text: string): boolean {
  if (pattern.endsWith('*')) return text.startsWith(pattern.slice(0, -1));
  if (pattern.startsWith('*')) return text.endsWith(pattern.slice(1));
  return pattern === text;
}
