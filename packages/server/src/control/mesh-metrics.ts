import type { Registry } from '@rampart/registry';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { Metrics } from '../metrics.ts';
import type { ResourceSet } from '../resources/resource-set.ts';
import type { DataPlanes } from './data-planes.ts';

/** What is counted. */
export interface MeasuredMesh {
  readonly registry: Registry;
  readonly feed: ChangeFeed;
  readonly resources: ResourceSet;
  readonly dataPlanes: DataPlanes;
}

/** How large the mesh is. */
export function measureMesh(metrics: Metrics, { registry, feed, resources, dataPlanes }: MeasuredMesh): void {
  const instances = (): number => registry.services().reduce((sum, service) => sum + service.instances.length, 0);
  metrics.gauge('rampart_data_planes', { help: 'Data planes connected now.', read: () => dataPlanes.sessions.length });
  metrics.gauge('rampart_services', { help: 'Services with an instance.', read: () => registry.services().length });
  metrics.gauge('rampart_instances', { help: 'Instances that can be found.', read: instances });
  metrics.gauge('rampart_revision', { help: 'Revision of the mesh.', read: () => feed.revision });
  metrics.gauge('rampart_resources', { help: 'Resources in force.', read: () => resources.all().length });
}
