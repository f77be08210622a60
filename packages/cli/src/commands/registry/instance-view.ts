import type { RegisteredInstance } from '@rampart/wire';
import type { Palette } from '../../render/colour.ts';
import { renderTime } from '../../render/moment.ts';
import { type Cell, columnsOf, renderTable } from '../../render/table.ts';

/** "10.0.0.1:80", "[::1]:80". */
export function addressOf({ host, port }: RegisteredInstance): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** "passing", "critical", "maintenance: a disk", "passing, draining". */
export function healthOf({ health, draining, maintenance }: RegisteredInstance): string {
  const state = maintenance === undefined ? health : `${health}: ${maintenance.reason}`;
  return draining ? `${state}, draining` : state;
}

/** Whether it is given new work. */
export function isInService({ health, draining }: RegisteredInstance): boolean {
  return !draining && (health === 'passing' || health === 'warning');
}

export function healthCell(instance: RegisteredInstance, palette: Palette): Cell {
  const isGood = isInService(instance) && instance.health === 'passing';
  return { text: healthOf(instance), paint: isGood ? palette.good : palette.bad };
}

export function renderInstances(instances: readonly RegisteredInstance[], palette: Palette): string {
  return renderTable(
    columnsOf('INSTANCE', 'ADDRESS', 'HEALTH', '>WEIGHT', 'TAGS', 'LABELS', 'VERSION', 'LOCALITY', 'OWNER'),
    instances.map((instance) => [
      instance.instanceId,
      addressOf(instance),
      healthCell(instance, palette),
      String(instance.weights?.passing ?? 1),
      instance.tags.join(', '),
      labelsText(labelsBesidePlace(instance)),
      instance.version,
      localityOf(instance),
      instance.owner,
    ]),
  );
}

/** "app=orders-api, version=v1". */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return pairs.toSorted().join(', ');
}

/** A place that stands in a column of its own is said once. */
function labelsBesidePlace({ labels, locality }: RegisteredInstance): Readonly<Record<string, string>> {
  if (locality === undefined) return labels;
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith('topology.kubernetes.io/')));
}

function localityOf({ locality }: RegisteredInstance): string {
  if (locality === undefined) return '';
  return locality.zone === '' ? locality.region : `${locality.region}/${locality.zone}`;
}

/** An instance as plain data. */
export function instanceData(instance: RegisteredInstance): object {
  const { instanceId, service, namespace, spiffeId, owner, host, port, protocol, labels, tags, metadata } = instance;
  return {
    instanceId,
    service,
    namespace,
    spiffeId,
    owner,
    host,
    port,
    protocol,
    labels,
    tags,
    metadata,
    weights: { passing: instance.weights?.passing ?? 1, warning: instance.weights?.warning ?? 1 },
    locality: localityOf(instance),
    version: instance.version,
    registeredAt: renderTime(Number(instance.registeredAt)),
    health: instance.health,
    draining: instance.draining,
    maintenance: instance.maintenance?.reason ?? '',
    checks: instance.checks.map(({ checkId, name, type, status, output, changedAt }) => ({
      checkId,
      name,
      type,
      status,
      output,
      changedAt: renderTime(Number(changedAt)),
    })),
  };
}
