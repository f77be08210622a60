import type { ServiceUpdate } from '@rampart/wire';
import { columnsOf, renderTable } from '../render/table.ts';

/** Services and where their instances listen. */
export function renderServices(services: readonly ServiceUpdate[]): string {
  return renderTable(
    columnsOf('NAMESPACE', 'NAME', '>INSTANCES', 'ENDPOINTS', 'IDENTITY'),
    services.map((service) => [
      service.namespace,
      service.name,
      String(service.endpoints.length),
      endpointsOf(service),
      identitiesOf(service),
    ]),
  );
}

const SHOWN_ENDPOINTS = 3;

function endpointsOf({ endpoints }: ServiceUpdate): string {
  const shown = endpoints.slice(0, SHOWN_ENDPOINTS).map(({ host, port }) => `${host}:${port}`);
  const rest = endpoints.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function identitiesOf({ endpoints }: ServiceUpdate): string {
  return [...new Set(endpoints.map(({ spiffeId }) => spiffeId))].join(', ');
}

/** A service as plain data. */
export function serviceData({ namespace, name, endpoints }: ServiceUpdate): object {
  return {
    namespace,
    name,
    instances: endpoints.map(({ instanceId, host, port, protocol, spiffeId, labels }) => ({
      instanceId,
      host,
      port,
      protocol,
      spiffeId,
      labels,
    })),
  };
}
