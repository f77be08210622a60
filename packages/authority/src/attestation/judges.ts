import { assertNever } from '@rampart/core';
import type { Clock, Result, TrustDomain } from '@rampart/core';
import type { AskOutside } from '../outside/ask.ts';
import type { EntrySource } from '../registration/entries.ts';
import { AwsIamJudge } from './aws-iam/judge.ts';
import type { Challenges } from './challenges.ts';
import type { AttestationContext, Attested, Evidence, EvidenceProblem } from './evidence.ts';
import { JwtJudge } from './jwt/judge.ts';
import { X509PopJudge } from './x509pop/judge.ts';

export interface JudgesOptions {
  readonly trustDomain: TrustDomain;
  readonly clock: Pick<Clock, 'now'>;
  readonly challenges: Challenges;
  readonly entries: EntrySource;
  readonly ask: AskOutside;
}

/** One judge for each kind of evidence. */
export class Judges {
  readonly #x509pop: X509PopJudge;
  readonly #jwt: JwtJudge;
  readonly #awsIam: AwsIamJudge;

  constructor({ entries, ...options }: JudgesOptions) {
    const attestors = (): ReturnType<EntrySource['attestors']> => entries.attestors();
    this.#x509pop = new X509PopJudge({ ...options, attestors });
    this.#jwt = new JwtJudge({ ...options, attestors });
    this.#awsIam = new AwsIamJudge({ ...options, attestors });
  }

  judge(evidence: Evidence, context: AttestationContext): Promise<Result<Attested, EvidenceProblem>> {
    switch (evidence.kind) {
      case 'x509pop':
        return Promise.resolve(this.#x509pop.judge(evidence, context));
      case 'jwt':
        return this.#jwt.judge(evidence, context);
      case 'aws_iam':
        return this.#awsIam.judge(evidence, context);
      default:
        return assertNever(evidence, 'kind of evidence');
    }
  }
}
