// A process that calls a control plane through one of its doors: `node client-process.ts ROLE`, told over IPC what to do.
import type { ControlPlane } from '../../../control-plane.ts';
import type { Observations } from '../observations.ts';
import { Recorder } from './recorder.ts';

export type Role = 'api' | 'consul' | 'watch';

export type Order = { readonly run: number; readonly plane: Omit<ControlPlane, 'stop'> } | { readonly end: true };

export type Report =
  | { readonly answered: number }
  | { readonly missed: true }
  | { readonly observations: Observations };

/** Each loads its own clients and nothing else. */
const CALLERS: Readonly<Record<Role, (recorder: Recorder) => Promise<readonly Promise<void>[]>>> = {
  api: async (recorder) => (await import('./api-callers.ts')).startApiCallers(recorder),
  consul: async (recorder) => [
    ...(await import('./consul-callers.ts')).startConsulCallers(recorder),
    ...(await import('./dns-callers.ts')).startDnsCallers(recorder),
  ],
  watch: async (recorder) => [
    ...(await import('./watchers.ts')).startWatchers(recorder),
    ...(await import('./data-planes.ts')).startDataPlanes(recorder),
  ],
};

function report(text: Report): void {
  process.send?.(text);
}

const recorder = new Recorder({
  answered: (answered) => report({ answered }),
  missed: () => report({ missed: true }),
});
const callers = CALLERS[process.argv[2] as Role](recorder);

process.on('message', (order: Order) => {
  if ('end' in order) recorder.end();
  else recorder.use({ run: order.run, plane: order.plane as ControlPlane });
});
process.once('disconnect', () => process.exit(0));

await Promise.all(await callers);
recorder.close();
report({ observations: recorder.observations() });
