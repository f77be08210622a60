import net from 'node:net';
import type { Socket } from 'node:net';

import { RampartError } from '@rampart/core';

import type { SvidSource } from '../identity/svid-source.ts';
import type { ConnectToAuthorizer } from '../inbound/external/transport.ts';
import type { MeshView } from '../view/mesh-view.ts';
import { dial } from './dial.ts';
import type { Picker } from './pick.ts';
import { resolve } from './resolve.ts';

// Taken once, at load: an in-process data plane hooks `net.connect`, and its own connections must not go through the hook.
const { connect } = net;

export interface AuthorizerConnectionOptions {
  readonly view: MeshView;
  readonly identity: SvidSource;
  readonly picker: Picker;
  /** Namespace of this workload, for services named without one. */
  namespace(): string;
  now(): number;
}

/** Opens connections to external authorizers: mutual TLS to those that are services of the mesh, plain TCP to others. */
export function connectToAuthorizers(options: AuthorizerConnectionOptions): ConnectToAuthorizer {
  return (service, port) => {
    const { host, namespace } = readService(service, options.namespace());
    const resolution = resolve(host, options.view, namespace);
    switch (resolution.kind) {
      case 'refused':
        throw new RampartError(resolution.code, resolution.reason);
      case 'outside':
        return unbuffered(connect({ host, port }));
      case 'mesh':
        return unbuffered(dialInMesh(options, resolution.service, port));
    }
  };
}

/** Istio writes "namespace/host" or "host". */
function readService(service: string, callerNamespace: string): { host: string; namespace: string } {
  const slash = service.indexOf('/');
  if (slash === -1) return { host: service, namespace: callerNamespace };
  return { host: service.slice(slash + 1), namespace: service.slice(0, slash) };
}

function dialInMesh(
  { view, identity, picker, now }: AuthorizerConnectionOptions,
  service: Parameters<Picker['pick']>[0],
  port: number,
): Socket {
  const svid = identity.current;
  if (svid === undefined) throw new RampartError('IDENTITY_NOT_READY', 'this workload has no identity yet');
  const endpoint = picker.pick(service, port);
  if (endpoint === undefined) {
    throw new RampartError('NO_HEALTHY_INSTANCE', `no instance of ${service.host} serves port ${port}`);
  }
  return dial({ service, endpoint, svid, isRevoked: (serial) => view.isRevoked(serial), now });
}

function unbuffered(socket: Socket): Socket {
  return socket.setNoDelay(true);
}
