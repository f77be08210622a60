export { Accounts } from './workload/accounts.ts';
export { BinaryDigests } from './workload/binary-digest.ts';
export { type PeerCredentials, peerCredentials } from './workload/peer-credentials.ts';
export { uptimeSeconds } from './workload/process-facts.ts';
export { type SelectorSources, workloadSelectors } from './workload/selectors.ts';
