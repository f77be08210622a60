import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.ts';
import { bundlePublished, REGISTER } from '../harness/published.ts';
import { startControl } from '../inprocess/rampart.ts';
import type { Control } from '../inprocess/rampart.ts';
import { startSidecar } from '../sidecar/rampart.ts';
import type { StartedSidecar } from '../sidecar/rampart.ts';
import { CALLERS, QUICK, SLOW, trafficDocuments } from './rules.ts';
import type { CallerNamespace } from './rules.ts';
import { Operator } from './operator.ts';

const INSTANCES = fileURLToPath(new URL('instances.mjs', import.meta.url));
const CLIENT = fileURLToPath(new URL('../inprocess/client.mjs', import.meta.url));

export interface MeshGround {
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Where the quick service listens. */
  readonly app: number;
}

/** A mesh with ten instances of a slow service, a quick service behind a sidecar, and callers in namespaces with rules of their own. */
export interface TrafficMesh {
  readonly sidecars: ReadonlyMap<CallerNamespace, StartedSidecar>;
  /** Callers with the mesh in their own process, of the quick service. */
  readonly clients: ReadonlyMap<CallerNamespace, Child>;
  /** What the quick service is behind. */
  readonly service: StartedSidecar;
  readonly operator: Operator;
  stop(): Promise<void>;
}

export async function startMesh(ground: MeshGround): Promise<TrafficMesh> {
  await bundlePublished(ground.environment);
  const callers = CALLERS.map((namespace) => ({ name: namespace, namespace, serviceAccount: 'caller', service: '' }));
  const control = await startControl(ground, {
    documents: trafficDocuments(),
    workloads: [
      ...callers,
      ...callers.map((each) => ({ ...each, name: `${each.name} in-process` })),
      ...[SLOW, QUICK].map((name) => ({ name, namespace: 'default', serviceAccount: name, service: name })),
    ],
  });
  const env = (name: string): Record<string, string> => admission(control, name);
  const { child: instances } = await Child.start(
    { script: INSTANCES, args: [], execArgv: ['--import', REGISTER], env: env(SLOW) },
    ground.environment,
  );
  const quick = await startSidecar({ ...ground.environment, ...env(QUICK) }, ['--app-port', String(ground.app)]);
  const sidecars = new Map<CallerNamespace, StartedSidecar>();
  for (const namespace of CALLERS)
    sidecars.set(namespace, await startSidecar({ ...ground.environment, ...env(namespace) }, []));
  const clients = new Map<CallerNamespace, Child>();
  for (const namespace of ['plain', 'all', 'single'] as const) {
    const spec = {
      script: CLIENT,
      args: ['http'],
      execArgv: ['--import', REGISTER],
      env: env(`${namespace} in-process`),
    };
    clients.set(namespace, (await Child.start(spec, ground.environment)).child);
  }
  return {
    sidecars,
    clients,
    service: quick,
    operator: new Operator(control),
    stop: async () => {
      await Promise.all([...clients.values()].map((client) => client.stop()));
      await Promise.all([...sidecars.values(), quick].map((sidecar) => sidecar.stop()));
      await instances.stop();
      await control.stop();
    },
  };
}

function admission({ address, caFile, tokens }: Control, name: string): Record<string, string> {
  return { RAMPART_CONTROL_PLANE: address, RAMPART_CA_FILE: caFile, RAMPART_JOIN_TOKEN: tokens[name] ?? '' };
}
