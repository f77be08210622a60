import type { Cursor } from '../cursor.ts';
import { jwksUriProblem } from '../request-authentication/key-set.ts';
import { patternList, textList } from '../text-list.ts';
import { readCertificates } from './pem-text.ts';

/** Roles and users of AWS accounts, who prove it with a signed GetCallerIdentity request. */
export interface AwsIamAttestor {
  /** Where requests are sent: "https://sts.eu-central-1.amazonaws.com/"; the global endpoint unless given. */
  readonly stsEndpoint: string;
  /** Account numbers, at least one; others are refused. */
  readonly accounts: readonly string[];
  /** Roles and users that are taken, by ARN ("arn:aws:iam::123456789012:role/web*"); all of the accounts unless given. */
  readonly principals?: readonly string[];
  /** PEM roots that the endpoint's own HTTPS certificate chains to; those of the system where absent. */
  readonly caBundle?: string;
}

const STS = 'https://sts.amazonaws.com/';
const ACCOUNT = /^\d{12}$/;
const ENDPOINT = /^https:\/\/[^\s/?#]+\/?$/;

export function readAwsIam(at: Cursor): AwsIamAttestor | undefined {
  const fields = at.fields<AwsIamAttestor>({
    stsEndpoint: (endpoint) => endpoint.checked(endpointProblem),
    accounts: textList((text) =>
      ACCOUNT.test(text) ? undefined : 'must be an account number of 12 digits, in quotes',
    ),
    principals: patternList(),
    caBundle: readCertificates,
  });
  if (fields === undefined) return undefined;
  if (at.child('accounts').value === undefined) at.error('needs accounts: those whose roles are taken');
  if (Array.isArray(at.child('accounts').value) && at.child('accounts').items()?.length === 0)
    at.child('accounts').error('must not be empty: name the accounts that are taken');
  const { accounts, stsEndpoint = STS, ...rest } = fields;
  return accounts === undefined ? undefined : { ...rest, accounts, stsEndpoint };
}

function endpointProblem(text: string): string | undefined {
  const problem = jwksUriProblem(text);
  if (problem !== undefined) return problem;
  return ENDPOINT.test(text) ? undefined : 'must be https:// and a host, without a path: https://sts.amazonaws.com/';
}
