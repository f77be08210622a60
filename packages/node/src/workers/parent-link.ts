import type { DataPlane } from '@rampart/mesh';

import type { Parent } from './messages.ts';

/** Lets the parent stand for what this worker serves; `leave` finishes what was begun. */
export function registerThrough(parent: Parent, { instances }: DataPlane, leave: () => Promise<void>): void {
  parent.receive((message) => {
    switch (message.kind) {
      case 'opened':
        instances.rename(message.instanceId, message.registered);
        break;
      case 'closed':
        instances.confirm(new Set([message.registered]));
        break;
      case 'leave':
        void leave().then(() => parent.send({ kind: 'left' }));
        break;
    }
  });
  // What instances say of themselves is the same in all of a process's workers.
  instances.observe(({ instanceId, host, port, protocol }, present) => {
    if (present) parent.send({ kind: 'open', instance: { instanceId, host, port, protocol } });
    else parent.send({ kind: 'close', instanceId });
  });
}
