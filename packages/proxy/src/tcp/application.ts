import type { InboundConnection } from '@rampart/mesh';

import type { ProxyHeaderContent } from '../capture/proxy-protocol/write-proxy-header.ts';
import { writeProxyHeaderV1, writeProxyHeaderV2 } from '../capture/proxy-protocol/write-proxy-header.ts';
import type { ByteStream } from '../stream/byte-stream.ts';
import { connectTcp } from './connect-tcp.ts';
import type { InboundTcpOptions } from './inbound-tcp.ts';

export interface ApplicationOptions {
  /** "127.0.0.1" unless the application listens elsewhere. */
  readonly host?: string;
  /** Where it listens for what came to a port of the workload. */
  port(connection: InboundConnection): number;
  /** Tells the application whose connection it is: it must be one that is set up to read that. */
  readonly proxyProtocol?: 'v1' | 'v2';
}

/** The way to the application of this sidecar. */
export function connectToApplication({
  host = '127.0.0.1',
  port,
  proxyProtocol,
}: ApplicationOptions): InboundTcpOptions['connect'] {
  return async (connection, signal): Promise<ByteStream> => {
    const stream = await connectTcp({ host, port: port(connection) }, signal);
    if (proxyProtocol !== undefined) {
      const write = proxyProtocol === 'v1' ? writeProxyHeaderV1 : writeProxyHeaderV2;
      stream.write(write(contentOf(connection)));
    }
    return stream;
  };
}

function contentOf({ attributes, socket, sourcePrincipal, tlsVersion }: InboundConnection): ProxyHeaderContent {
  return {
    source: { address: attributes.sourceIp, port: socket.remotePort ?? 0 },
    destination: { address: attributes.destinationIp, port: attributes.destinationPort },
    principal: sourcePrincipal,
    tlsVersion,
  };
}
