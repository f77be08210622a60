import { NODE_LABEL, nodeName } from '../../instances/node-name.ts';
import { checkRequest } from './check-definition.ts';
import { Fields } from './fields.ts';
import { type DefinitionContext, type ServiceDefinition, serviceDefinition } from './service-definition.ts';

/**
 * Reads the body of `/v1/catalog/register`: a service on a node that has no agent. Checks are run from here when they say what to look at
 * (`Definition`); others can only say "passing", because nobody would ever change them.
 *
 * @throws RampartError INVALID_ARGUMENT.
 */
export function catalogDefinition(fields: Fields, context: Omit<DefinitionContext, 'ownAddress'>): ServiceDefinition {
  const address = fields.filledText('Address');
  if (address === undefined) throw fields.problem('Address', 'must be given');
  const node = fields.filledText('Node');
  if (node === undefined) throw fields.problem('Node', 'must be given');
  const service = fields.object('Service');
  if (service === undefined) throw fields.problem('Service', 'must be given: nodes are here where their services are');
  const namespace = fields.filledText('Namespace') ?? context.namespace;
  const { serviceId, request } = serviceDefinition(service, { ...context, namespace, ownAddress: address });
  const single = fields.object('Check');
  const given = [...(single === undefined ? [] : [single]), ...fields.objects('Checks')];
  const checks = given.flatMap((check) => {
    const definition = check.object('Definition');
    if (definition !== undefined) {
      const name = check.filledText('Name');
      const checkId = check.filledText('CheckID') ?? name;
      return [
        {
          ...checkRequest(withInterval(definition), request.host),
          ...(checkId === undefined ? {} : { checkId }),
          ...(name === undefined ? {} : { name }),
        },
      ];
    }
    if ((check.filledText('Status') ?? 'passing') === 'passing') return [];
    throw check.problem('Status', 'cannot be kept without a Definition: nobody would ever change it');
  });
  const labels = node === nodeName(request.host) ? {} : { [NODE_LABEL]: node };
  return {
    serviceId,
    node: nodeName(request.host),
    request: { ...request, labels, checks: [...(request.checks ?? []), ...checks] },
  };
}

/** The catalog calls times otherwise than agents do. */
function withInterval(definition: Fields): Fields {
  const given = (...names: readonly string[]): unknown =>
    names.map((name) => definition.raw(name)).find((value) => value !== undefined);
  return Fields.of(
    {
      HTTP: definition.raw('HTTP'),
      TCP: definition.raw('TCP'),
      GRPC: definition.raw('GRPC'),
      Method: definition.raw('Method'),
      Header: definition.raw('Header'),
      TLSSkipVerify: definition.raw('TLSSkipVerify'),
      Interval: given('IntervalDuration', 'Interval') ?? '10s',
      Timeout: given('TimeoutDuration', 'Timeout'),
      DeregisterCriticalServiceAfter: given('DeregisterCriticalServiceAfterDuration', 'DeregisterCriticalServiceAfter'),
    },
    'Check.Definition',
  );
}
