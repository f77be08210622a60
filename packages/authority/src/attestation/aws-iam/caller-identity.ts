import { ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import { segmentOf } from '../../agents/agent-id.ts';
import { disbelieve } from '../evidence.ts';
import type { EvidenceProblem } from '../evidence.ts';

/** Who signed a request, by the word of STS. */
export interface CallerIdentity {
  readonly account: string;
  /** As STS gives it: "arn:aws:sts::123456789012:assumed-role/web/i-0abc". */
  readonly arn: string;
  /** The role or user itself: "arn:aws:iam::123456789012:role/web". */
  readonly principal: string;
  readonly role?: string;
  readonly session?: string;
  readonly user?: string;
}

const ARN = /^arn:(aws[a-z-]*):(sts|iam)::(\d{12}):([a-z-]+)\/([\w+=,.@/-]{1,512})$/;

/** Reads the answer to GetCallerIdentity: one Arn and one Account, which agree. */
export function readCallerIdentity(xml: string): Result<CallerIdentity, EvidenceProblem> {
  const [text = '', account = ''] = [single(xml, 'Arn'), single(xml, 'Account')];
  const arn = readArn(text);
  if (arn?.account !== account) {
    return disbelieve('aws-answer', 'STS answered with something that names no role or user');
  }
  return callerOf(arn, text);
}

interface Arn {
  readonly partition: string;
  readonly account: string;
  /** "sts:assumed-role", "iam:user". */
  readonly type: string;
  readonly path: string;
}

function readArn(text: string): Arn | undefined {
  const [, partition = '', service = '', account = '', kind = '', path = ''] = ARN.exec(text) ?? [];
  return partition === '' ? undefined : { partition, account, type: `${service}:${kind}`, path };
}

function callerOf({ partition, account, type, path }: Arn, arn: string): Result<CallerIdentity, EvidenceProblem> {
  if (type === 'iam:user') return ok({ account, arn, principal: arn, user: path });
  const [role = '', session = '', ...rest] = path.split('/');
  if (type === 'sts:assumed-role' && session !== '' && rest.length === 0) {
    return ok({ account, arn, principal: `arn:${partition}:iam::${account}:role/${role}`, role, session });
  }
  return disbelieve('aws-principal', 'the request was signed by something that is neither a role nor a user');
}

/** "aws_iam:account:…" and the like. */
export function selectorsOf(
  { account, arn, principal, role, session, user }: CallerIdentity,
  attestor: string,
): string[] {
  const facts = [
    ['attestor', attestor],
    ['account', account],
    ['arn', arn],
    ['principal', principal],
    ['role', role],
    ['session', session],
    ['user', user],
  ] as const;
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [`aws_iam:${name}:${value}`]));
}

/** "aws_iam/<account>/<role>/<session>", or …/<user>. */
export function agentPathOf({ account, role, session, user }: CallerIdentity): string {
  const parts = role === undefined || session === undefined ? ['user', user ?? ''] : [role, session];
  return ['aws_iam', account, ...parts.map(segmentOf)].join('/');
}

function single(xml: string, element: string): string | undefined {
  const found = [...xml.matchAll(new RegExp(`<${element}>([^<>&]*)</${element}>`, 'g'))];
  return found.length === 1 ? found[0]?.[1] : undefined;
}
