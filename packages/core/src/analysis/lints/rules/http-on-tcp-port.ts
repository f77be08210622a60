import type { AuthorizationOperation } from '../../../resource/authorization/operation.ts';
import type { AuthorizationRule } from '../../../resource/authorization/rule.ts';
import { WORKLOADS_UNKNOWN } from '../../lint/analyzed-mesh.ts';
import type { Lint } from '../../lint/lint.ts';

const HTTP_OPERATION = ['methods', 'notMethods', 'paths', 'notPaths', 'hosts', 'notHosts'] as const;
const HTTP_PROTOCOLS: ReadonlySet<string> = new Set(['', 'http', 'https', 'http2', 'h2', 'h2c', 'grpc']);

export const httpOnTcpPort: Lint = {
  code: 'RAMP3004',
  name: 'http-on-tcp-port',
  severity: 'error',
  title: 'a rule asks about HTTP on a port that does not speak it',
  find: (mesh) => {
    if (mesh.workloads === undefined) return { notChecked: WORKLOADS_UNKNOWN };
    return mesh.rules.flatMap(({ policy: resource, rule, at }) => {
      const selected = mesh.servingBy(resource).filter(({ port }) => reaches(rule, port));
      const field = httpField(rule, at);
      const reached = selected.find(({ protocol }) => !HTTP_PROTOCOLS.has(protocol));
      if (reached === undefined || field === undefined) return [];
      const isForNamespace = Object.keys(resource.spec.selector?.matchLabels ?? {}).length === 0;
      const isOfUse = selected.some(({ protocol }) => HTTP_PROTOCOLS.has(protocol));
      // What a whole namespace may do over HTTP is written once; that it opens no other port is as it should be.
      if (resource.spec.action === 'ALLOW' && isForNamespace && isOfUse) return [];
      const effect =
        resource.spec.action === 'ALLOW'
          ? 'there the whole rule is dropped, so it allows nothing'
          : 'there what it asks of HTTP is left out, so it matches more than it says';
      const message = `asks about HTTP, but port ${reached.port} of ${reached.principal} speaks ${reached.protocol}: ${effect}. Name its port in a rule of its own`;
      return [{ resource, field, message }];
    });
  },
};

/** The first field of a rule that only HTTP has. */
function httpField({ from = [], to = [], when = [] }: AuthorizationRule, at: string): string | undefined {
  for (const [index, { operation }] of to.entries()) {
    const field = HTTP_OPERATION.find((name) => (operation[name] ?? []).length > 0);
    if (field !== undefined) return `${at}.to[${index}].operation.${field}`;
  }
  const token = from.findIndex(({ source }) => (source.requestPrincipals ?? source.notRequestPrincipals) !== undefined);
  if (token !== -1) return `${at}.from[${token}].source`;
  const condition = when.findIndex(({ key }) => key.startsWith('request.'));
  return condition === -1 ? undefined : `${at}.when[${condition}].key`;
}

function reaches({ to = [], when = [] }: AuthorizationRule, port: number): boolean {
  const isElsewhere = when.some(
    ({ key, values = [] }) => key === 'destination.port' && values.length > 0 && !values.includes(String(port)),
  );
  if (isElsewhere && port !== 0) return false;
  const asks = ({ ports = [], notPorts = [] }: AuthorizationOperation): boolean =>
    (ports.length === 0 || ports.includes(String(port))) && !notPorts.includes(String(port));
  return to.length === 0 || port === 0 || to.some(({ operation }) => asks(operation));
}
