import type { connectNodeAdapter } from '@connectrpc/connect-node';

/** A request handler that fits the servers of `node:http` and `node:http2`. */
export type NodeHandler = ReturnType<typeof connectNodeAdapter>;

export type NodeRequest = Parameters<NodeHandler>[0];

export type NodeResponse = Parameters<NodeHandler>[1];
