/** How every command of a workload says where the agent is. */
export const SOCKET_OPTION: readonly [flags: string, description: string] = [
  '--socket <path>',
  'the agent\'s socket, a path or unix:///path (default: $SPIFFE_ENDPOINT_SOCKET, else where "rampart agent" listens)',
];
