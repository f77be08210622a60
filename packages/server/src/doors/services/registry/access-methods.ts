import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { DEFAULT_NAMESPACE, SpiffeId } from '@rampart/core';
import { type ApprovalRecord, parseResourceText, type RegistryAction, type RegistryIdentity } from '@rampart/registry';
import type { DecideRegistrationRequest, RegistrationApprovalSchema, RegistryService } from '@rampart/wire';
import type { RegistryGuard } from '../../../registry/open-guard.ts';
import { operatorOf } from '../admin/admin-parts.ts';
import { invalid } from './requests.ts';

const ACTIONS: readonly RegistryAction[] = ['read', 'write', 'admin'];
const NAMED = /^(token|team|operator):([a-z0-9](?:[a-z0-9._@-]{0,61}[a-z0-9])?)$/;

type Methods = Pick<ServiceImpl<typeof RegistryService>, 'listPending' | 'approve' | 'reject' | 'checkAccess'>;

/** What operators decide about registrations, and ask about rules. */
export function createAccessMethods({ approvals, policies }: Pick<RegistryGuard, 'approvals' | 'policies'>): Methods {
  return {
    listPending: ({ decided }, context) => {
      operatorOf(context);
      return { registrations: (decided ? approvals.all() : approvals.pending()).map(approvalMessage) };
    },
    approve: async (request, context) => {
      const decided = await approvals.decide(choiceOf(request), 'approved', operatorOf(context));
      return { registrations: decided.map(approvalMessage) };
    },
    reject: async (request, context) => {
      const decided = await approvals.decide(choiceOf(request), 'rejected', operatorOf(context));
      return { registrations: decided.map(approvalMessage) };
    },
    checkAccess: ({ identity, teams, action, resource }, context) => {
      operatorOf(context);
      const asked = ACTIONS.find((one) => one === action);
      if (asked === undefined) throw invalid(`action is ${ACTIONS.join(', ')}, not ${JSON.stringify(action)}`);
      const caller = callerOf(identity, teams);
      const home = caller.kind === 'spiffe' ? (caller.id.namespace ?? DEFAULT_NAMESPACE) : DEFAULT_NAMESPACE;
      const about = parseResourceText(resource, home);
      if (!about.ok) throw invalid(`resource ${about.problem}`);
      const { allowed, outcome, rule, reason } = policies.current().decide(caller, asked, about.value);
      return { allowed, outcome, rule, reason };
    },
  };
}

function choiceOf({ service, namespace, identity }: DecideRegistrationRequest): {
  readonly service: string;
  readonly namespace: string;
  readonly identity?: string;
} {
  if (service === '') throw invalid('service is missing: say which registration is meant');
  const where = { service, namespace: namespace === '' ? DEFAULT_NAMESPACE : namespace };
  return identity === '' ? where : { ...where, identity };
}

type Message = Exclude<MessageInitShape<typeof RegistrationApprovalSchema>, { $typeName: string }>;

/** A team alone stands for a token of it that has no name of interest. */
function callerOf(text: string, teams: readonly string[]): RegistryIdentity {
  if (text === 'anonymous') return { kind: 'anonymous' };
  const id = text.startsWith('spiffe:') ? SpiffeId.parse(text) : undefined;
  if (id?.ok === true) return { kind: 'spiffe', id: id.value };
  const [, kind, name = ''] = NAMED.exec(text) ?? [];
  if (kind === 'operator') return { kind, name };
  if (kind === 'token') return { kind, name, teams };
  if (kind === 'team') return { kind: 'token', name: '', teams: [name, ...teams] };
  throw invalid('identity is a SPIFFE ID, token:NAME, team:NAME, operator:NAME or anonymous');
}

function approvalMessage({ requestedAt, decidedAt, ...same }: ApprovalRecord): Message {
  return { decidedBy: '', ...same, requestedAt: BigInt(requestedAt), decidedAt: BigInt(decidedAt ?? 0) };
}
