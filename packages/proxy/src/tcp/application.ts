import type { InboundConnection } from '@rampart/mesh';

import type { ProxyHeaderContent } from '../capture/proxy-protocol/write-proxy-header.ts';
import { writeProxyHeaderV1, writeProxyHeaderV2 } from '../capture/proxy-protocol/write-proxy-header.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { connectTcp } from './connect-tcp.ts';
import type { InboundTcpOptions } from './inbound-tcp.ts';

/** Versions of the PROXY protocol that can be written. */
export type ProxyProtocolVersion = 'v1' | 'v2';

export interface ApplicationOptions {
  /** "127.0.0.1" unless the application listens elsewhere. */
  readonly host?: string;
  /** Where it listens for what came to a port of the workload. */
  port(connection: InboundConnection): number;
  /** Tells the application whose connection it is: it must be one that is set up to read that. */
  readonly proxyProtocol?: ProxyProtocolVersion | undefined;
}

/** The way to the application of this sidecar. */
export function connectToApplication({
  host = '127.0.0.1',
  port,
  proxyProtocol,
}: ApplicationOptions): InboundTcpOptions['connect'] {
  return async (connection, signal): Promise<ByteStream> => {
    const stream = await connectTcp({ host, port: port(connection) }, signal);
    if (proxyProtocol !== undefined) stream.write(announcementOf(connection, proxyProtocol));
    return stream;
  };
}

/** What tells an application whose connection it is, in front of everything else. */
export function announcementOf(connection: InboundConnection, version: ProxyProtocolVersion): Uint8Array {
  return (version === 'v1' ? writeProxyHeaderV1 : writeProxyHeaderV2)(contentOf(connection));
}

function contentOf({ attributes, client, sourcePrincipal, tlsVersion }: InboundConnection): ProxyHeaderContent {
  return {
    source: client,
    destination: { address: attributes.destinationIp, port: attributes.destinationPort },
    principal: sourcePrincipal,
    tlsVersion,
  };
}
