import type { Cursor, Reader } from '../cursor.ts';
import { selectorTextProblem } from '../registration/selector-text.ts';
import { textList } from '../text-list.ts';
import { readAwsIam, type AwsIamAttestor } from './aws-iam.ts';
import { readJwt, writeJwt, type JwtAttestor } from './jwt.ts';
import { readX509Pop, type X509PopAttestor } from './x509pop.ts';

/** Which evidence is believed, of whom. Exactly one of the three kinds of evidence is there. */
export interface AttestorSpec {
  readonly x509pop?: X509PopAttestor;
  readonly jwt?: JwtAttestor;
  readonly awsIam?: AwsIamAttestor;
  /** Absent: this evidence makes nobody an agent. */
  readonly agents?: AgentAdmission;
}

/** Who may be an agent: whoever is attested with all of the selectors, everybody when there are none. */
export interface AgentAdmission {
  readonly selectors: readonly string[];
}

const EVIDENCE = ['x509pop', 'jwt', 'awsIam'] as const;

export function readAttestorSpec(at: Cursor): AttestorSpec | undefined {
  const fields = at.fields<AttestorSpec>({
    x509pop: readX509Pop,
    jwt: readJwt,
    awsIam: readAwsIam,
    agents: readAgents,
  });
  if (fields === undefined) return undefined;
  const given = EVIDENCE.filter((name) => at.child(name).value !== undefined);
  if (given.length === 0) return at.error(`needs one of ${EVIDENCE.join(', ')}`);
  for (const name of given.slice(1))
    at.child(name).misplaced(`cannot stand beside ${given[0]}: one attestor, one kind`);
  if (fields.agents?.selectors.length === 0 && isForMany(fields)) {
    at.child('agents').warning('takes everybody with this evidence for an agent: name selectors that only hosts have');
  }
  return fields;
}

/** Issuers and accounts have workloads and people beside hosts; an authority of hosts is one for hosts alone. */
function isForMany({ jwt, awsIam }: AttestorSpec): boolean {
  return jwt !== undefined || (awsIam !== undefined && awsIam.principals === undefined);
}

export function writeAttestorSpec({ jwt, ...rest }: AttestorSpec): object {
  return { ...rest, ...(jwt === undefined ? {} : { jwt: writeJwt(jwt) }) };
}

const readAgents: Reader<AgentAdmission> = (at) => {
  const fields = at.fields<AgentAdmission>({ selectors: textList(selectorTextProblem) });
  return fields === undefined ? undefined : { selectors: fields.selectors ?? [] };
};
