import { randomUUID } from 'node:crypto';

import { expositionText, merged, planeFamilies, processFamilies, startDataPlane, WITHDRAWAL_MS } from '@rampart/mesh';
import type { DataPlane, OperationsDoor } from '@rampart/mesh';

import type { Sidecar } from '../sidecar/sidecar.ts';
import type { SidecarConfig, Surroundings } from '../sidecar/sidecar-config.ts';
import { openSidecarMetrics } from '../sidecar/sidecar-metrics.ts';
import { Crew } from './crew.ts';
import type { ProcessesOptions } from './crew.ts';

/**
 * Starts a sidecar of several processes. This one leads and serves nothing itself: one control stream, one certificate and
 * one instance in the registry for all of them. @throws RampartError PORT_IN_USE, INVALID_ARGUMENT
 */
export async function startSidecarProcesses(
  config: SidecarConfig,
  surroundings: Surroundings,
  options: ProcessesOptions,
): Promise<Sidecar> {
  const { address, evidence, spoolDirectory, metrics, ...places } = config;
  const joining = { address, evidence, spoolDirectory };
  const plane = startDataPlane({ ...joining, ...surroundings, id: randomUUID(), kind: 'sidecar' });
  const { clock, log, version } = surroundings;
  const isCounted = metrics !== undefined;
  const { rootNamespace } = address;
  const crew = new Crew({ ...options, plane, places, isCounted, rootNamespace, clock, log, version });
  try {
    const ports = await crew.open();
    const operations = metrics === undefined ? undefined : await openOperations(metrics, plane, crew);
    return {
      ...ports,
      metricsPort: operations?.port,
      plane,
      whenReady: async (milliseconds) => {
        const readiness = await plane.whenReady(milliseconds);
        // What they answer has come after what they were told: they know what this process knows.
        await crew.count();
        return readiness;
      },
      drain: async (milliseconds) => {
        crew.withdraw();
        await plane.instances.whenForgotten(clock, WITHDRAWAL_MS);
        await crew.drain(milliseconds);
      },
      stop: async (milliseconds) => {
        await crew.stop(milliseconds);
        await plane.stop(milliseconds);
        operations?.close();
      },
    };
  } catch (cause) {
    await crew.stop(0);
    await plane.stop(0);
    throw cause;
  }
}

function openOperations(
  place: NonNullable<SidecarConfig['metrics']>,
  plane: DataPlane,
  crew: Crew,
): Promise<OperationsDoor> {
  return openSidecarMetrics(place, plane, async () => {
    const counted = merged([...(await crew.count()), processFamilies(process)]);
    return expositionText([...counted, ...planeFamilies(plane)]);
  });
}
