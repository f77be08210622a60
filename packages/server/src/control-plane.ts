import { checkLifetimes } from '@rampart/authority';
import { TrustDomain } from '@rampart/core';
import { openDoors, openWeb } from './composition/doors.ts';
import { joinMesh } from './composition/mesh.ts';
import { serve } from './composition/serving.ts';
import { LOOPBACK, type Start } from './composition/start.ts';
import { openState } from './composition/state.ts';
import { type CompleteOptions, completeOptions, type ControlPlaneOptions } from './control-plane-options.ts';
import { writeClientFiles } from './directory/client-files.ts';
import { claimDataDirectory } from './directory/data-directory.ts';
import { Metrics } from './metrics.ts';
import { Teardown } from './teardown.ts';
import { openTelemetry } from './telemetry/open-telemetry.ts';
import { VERSION } from './version.ts';

/** A control plane that is running. */
export interface ControlPlane {
  /** Where it listens: "https://127.0.0.1:8443" and "http://127.0.0.1:9090"; `web` where public documents are served to the web, "127.0.0.1:8600" for DNS; `consul` where clients of Consul ask. */
  readonly addresses: {
    readonly api: string;
    readonly metrics: string;
    readonly web?: string;
    readonly dns?: string;
    readonly consul?: string;
    readonly consulTls?: string;
  };
  /** PEM roots that its certificate and every workload's certificate chain to. */
  readonly caFile: string;
  /** Bearer token for the admin API, readable by its owner only. */
  readonly adminTokenFile: string;
  readonly dataDirectory: string;
  readonly trustDomain: string;
  readonly version: string;
  /** Lets calls that are running end, makes everything durable, and frees ports and directory. Repeating it waits for the first. */
  stop(): Promise<void>;
}

/**
 * Starts a control plane: the one place that puts its parts together.
 *
 * @throws RampartError PORT_IN_USE, DATA_DIRECTORY_UNREADABLE, DATA_DIRECTORY_LOCKED, KEY_UNREADABLE, STORAGE_FAILED or
 *   INVALID_ARGUMENT; nothing that was started by then goes on, and a first start leaves nothing behind.
 */
export async function startControlPlane(given: ControlPlaneOptions): Promise<ControlPlane> {
  const options = completeOptions(given);
  TrustDomain.of(options.trustDomain);
  checkLifetimes(options.lifetimes);
  const teardown = new Teardown(options.log);
  try {
    return await start(options, teardown);
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

async function start(options: CompleteOptions, teardown: Teardown): Promise<ControlPlane> {
  const directory = await claimDataDirectory(options.dataDirectory);
  teardown.add('data directory', () => directory.release());
  const parts: Start = { options, teardown, metrics: new Metrics(), directory };
  const ready = { now: false };
  const doors = await openDoors(parts, () => ready.now);
  const state = await openState(parts);
  const mesh = await joinMesh(parts, state);
  const web = await openWeb(parts, state);
  const telemetry = openTelemetry({ ...parts, ...state, ...options, keep: options.accessLogs });
  await serve(parts, { doors, state, mesh, telemetry });
  const addresses = {
    api: `https://${authority(options.host)}:${doors.api.port}`,
    metrics: `http://${LOOPBACK}:${doors.operations.port}`,
    ...(web === undefined ? {} : { web: `https://${authority(options.host)}:${web.port}` }),
    ...doors.registry.addresses,
  };
  await writeClientFiles(directory, { ...state, ...options, api: addresses.api });
  directory.keep();
  ready.now = true;
  options.log.info(
    { ...addresses, dataDirectory: directory.path, trustDomain: options.trustDomain },
    'control plane ready',
  );
  let stopping: Promise<void> | undefined;
  return {
    addresses,
    caFile: directory.caFile,
    adminTokenFile: directory.adminTokenFile,
    dataDirectory: directory.path,
    trustDomain: options.trustDomain,
    version: VERSION,
    stop: () => {
      ready.now = false;
      stopping ??= teardown.run();
      return stopping;
    },
  };
}

/** Host part of a URL that reaches what listens on an address. */
function authority(host: string): string {
  if (host === '0.0.0.0' || host === '::') {
    return LOOPBACK;
  }
  return host.includes(':') ? `[${host}]` : host;
}
