import type { ServiceImpl } from '@connectrpc/connect';
import type { ControlService } from '@rampart/wire';
import type { DataPlanes } from '../../control/data-planes.ts';
import { connectionOf, workloadOf } from '../caller.ts';

/** The control stream. */
export function createControlService(dataPlanes: DataPlanes): ServiceImpl<typeof ControlService> {
  return {
    connect: (messages, context) =>
      dataPlanes.serve({
        messages,
        peer: workloadOf(context),
        connection: connectionOf(context),
        signal: context.signal,
      }),
  };
}
