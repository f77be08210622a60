import type { Instance } from '../store.ts';

/** What whoever runs the checks of an instance has to know of it. */
export type CheckedInstance = Pick<
  Instance,
  'instanceId' | 'service' | 'namespace' | 'identity' | 'owner' | 'host' | 'port' | 'checks'
>;
