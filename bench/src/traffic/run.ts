import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Child } from '../harness/child.ts';
import type { RunOptions } from '../harness/run-options.ts';
import { ensureProgram } from '../inprocess/peers/proxy-pair.ts';
import { NGINX, startApp } from '../sidecar/app.ts';
import { benchBalancing, CALLERS_SCRIPT, INSTANCES_SCRIPT } from './balancing.ts';
import { benchSingleFeatures } from './single-features.ts';
import { benchFeatures } from './features.ts';
import { startMesh } from './mesh.ts';
import { PEERS, startPeer } from './peers.ts';
import type { Balancer } from './peers.ts';
import { hostOf, SLOW } from './rules.ts';

/** Rules of balancing by the name of their subject. */
const BALANCERS = {
  'rampart-round-robin': 'turns',
  'rampart-least-request': 'plain',
  'rampart-p2c-ewma': 'latency',
} as const;

/** Result in the form of every benchmark: subjects side by side, and ratios. */
export async function benchTraffic(options: RunOptions): Promise<Record<string, unknown>> {
  const missing = ensureProgram({ program: 'wrk', debianPackage: 'wrk' }) ?? ensureProgram(NGINX);
  if (missing !== undefined) return { subjects: [missing], ratios: {} };
  const directory = mkdtempSync(join(tmpdir(), 'rampart-bench-traffic-'));
  const stops: (() => Promise<void>)[] = [() => Promise.resolve(rmSync(directory, { recursive: true, force: true }))];
  try {
    const app = await startApp(directory);
    stops.unshift(() => app.stop());
    options.progress('starting the mesh');
    const mesh = await startMesh({ directory, environment: options.environment, app: app.port });
    stops.unshift(() => mesh.stop());
    const { child: callers } = await Child.start({ script: CALLERS_SCRIPT, args: [] }, options.environment);
    stops.unshift(() => callers.stop());
    const plain = await Child.start({ script: INSTANCES_SCRIPT, args: [] }, options.environment);
    stops.unshift(() => plain.child.stop());
    const balancers: Balancer[] = Object.entries(BALANCERS).flatMap(([name, namespace]) => {
      const sidecar = mesh.sidecars.get(namespace);
      return sidecar === undefined ? [] : [{ ...sidecar, name, port: sidecar.proxyPort, host: hostOf(SLOW) }];
    });
    const absent: Record<string, unknown>[] = [];
    for (const peer of PEERS) {
      const started = await startPeer(peer, { directory, instances: plain.hello['ports'] as number[] });
      if ('absent' in started) absent.push({ name: peer.name, ...started });
      else {
        balancers.push(started);
        stops.unshift(() => started.stop());
      }
    }
    const balancing = await benchBalancing({ balancers, callers, options });
    const features = await benchFeatures(mesh, options);
    const single = await benchSingleFeatures(mesh, options);
    return {
      subjects: [...balancing.subjects, ...features.subjects, ...single.subjects, ...absent],
      ratios: { ...balancing.ratios, ...features.ratios },
    };
  } finally {
    for (const stop of stops) await stop();
  }
}
