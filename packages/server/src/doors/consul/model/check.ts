import type { CheckStatus, DiscoveredInstance } from '@rampart/registry';
import { nodeOf } from '../../instances/node-name.ts';
import { serviceIdOf } from '../../instances/service-id.ts';
import { goDuration } from '../duration.ts';
import type { Item } from '../filter/filter.ts';

/** A check of a service. */
export interface CheckFields {
  readonly [key: string]: Item | undefined;
  readonly CheckID: string;
  readonly Status: CheckStatus;
}

/**
 * The checks of an instance, and what Consul also says by a check: maintenance, and that it is draining, because whoever asks for passing
 * instances wants to send them something.
 */
export function checksOf(instance: DiscoveredInstance, index: number): readonly CheckFields[] {
  const { state, checks } = instance;
  const serviceId = serviceIdOf(instance);
  const common = {
    Node: nodeOf(instance),
    ServiceID: serviceId,
    ServiceName: instance.service,
    ServiceTags: instance.tags,
    ExposedPort: 0,
    Definition: {},
    CreateIndex: index,
    ModifyIndex: index,
  };
  const standing = (CheckID: string, Name: string, Notes: string): CheckFields => {
    return {
      ...common,
      CheckID,
      Name,
      Status: 'critical',
      Notes,
      Output: '',
      Type: 'maintenance',
      Interval: '',
      Timeout: '',
    };
  };
  return [
    ...state.checks.map(({ checkId, name, status, output }): CheckFields => {
      const definition = checks.find((check) => check.checkId === checkId);
      return {
        ...common,
        CheckID: checkId,
        Name: name,
        Status: status,
        Notes: '',
        Output: output,
        Type: definition?.kind.type ?? '',
        Interval: definition === undefined || definition.kind.type === 'ttl' ? '' : goDuration(definition.intervalMs),
        Timeout: definition === undefined || definition.kind.type === 'ttl' ? '' : goDuration(definition.timeoutMs),
      };
    }),
    ...(state.maintenance === undefined
      ? []
      : [
          standing(
            `_service_maintenance:${serviceId}`,
            'Service Maintenance Mode',
            state.maintenance.reason === '' ? 'Maintenance mode is enabled for this service' : state.maintenance.reason,
          ),
        ]),
    ...(state.draining ? [standing(`_service_draining:${serviceId}`, 'Draining', 'it is given nothing new')] : []),
  ];
}

/** The worst of all, as Consul counts: maintenance is critical beside being its own word. */
export function aggregatedStatus(instance: DiscoveredInstance): CheckStatus | 'maintenance' {
  const { health, draining } = instance.state;
  return draining && health !== 'maintenance' ? 'critical' : health;
}
