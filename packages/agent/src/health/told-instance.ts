import type { CheckDefinition, CheckedInstance, CheckKind, CheckStatus } from '@rampart/registry/health';
import type { CheckedInstance as ToldInstance, CheckRegistration } from '@rampart/wire/agent';

/** An instance as the control plane tells an agent of it. Checks of a kind that this agent does not know are left out. */
export function readInstance({ spiffeId, checks, ...told }: ToldInstance): CheckedInstance {
  const { instanceId, service, namespace, host, port } = told;
  // Who registered it decides nothing here: an agent goes to its own host only.
  const owner = '';
  return { instanceId, service, namespace, identity: spiffeId, owner, host, port, checks: checks.flatMap(readCheck) };
}

function readCheck(told: CheckRegistration): readonly CheckDefinition[] {
  const kind = readKind(told.kind);
  if (kind === undefined) return [];
  const { checkId, name, successBeforePassing, failuresBeforeCritical } = told;
  return [
    {
      checkId,
      name,
      kind,
      intervalMs: Math.max(1000, Number(told.intervalMs)),
      timeoutMs: Math.max(1, Number(told.timeoutMs)),
      successBeforePassing,
      failuresBeforeWarning: told.failuresBeforeWarning ?? failuresBeforeCritical,
      failuresBeforeCritical,
      // What it says now is no part of what it is: a check that changed only so is the same one.
      initialStatus: 'critical',
      runBy: 'agent',
    },
  ];
}

function readKind(kind: CheckRegistration['kind']): CheckKind | undefined {
  switch (kind?.$case) {
    case 'http': {
      const { scheme, port, path, method, headers } = kind.value;
      return {
        type: 'http',
        scheme: scheme === 'https' ? 'https' : 'http',
        ...portOf(port),
        path,
        ...(method === '' ? {} : { method }),
        headers,
      };
    }
    case 'tcp':
      return { type: 'tcp', ...portOf(kind.value.port) };
    case 'grpc':
      return { type: 'grpc', tls: kind.value.tls, ...portOf(kind.value.port), service: kind.value.service };
    case 'script':
      return { type: 'script', args: kind.value.args };
    case 'ttl':
    case undefined:
      return undefined;
  }
}

function portOf(port: number): { readonly port?: number } {
  return port === 0 ? {} : { port };
}

/** What a check says now, as far as the control plane knows. */
export function toldStatus({ initialStatus: text }: CheckRegistration): CheckStatus {
  return text === 'passing' || text === 'warning' ? text : 'critical';
}
