import { InboundRecorder, InboundTcpRecorder, Preliminaries, TcpJudge } from '@rampart/mesh';
import type { DataPlane, ExternalAuthorizer, IdSource } from '@rampart/mesh';

import { stopwatch, systemClock } from '../clock.ts';
import { Http2Requests } from './http2/http2-requests.ts';
import { Http2Servers } from './http2/http2-servers.ts';
import type { Ports } from './ports.ts';
import { RequestHandler } from './request-handler.ts';
import { hookServers } from './server-hook.ts';
import { TcpConnections } from './tcp-connections.ts';
import { hookTcpServers } from './tcp-servers.ts';

export interface InboundHooksOptions {
  readonly plane: DataPlane;
  readonly ports: Ports;
  readonly ids: IdSource;
  readonly external: ExternalAuthorizer;
  draining(): boolean;
}

/** Puts the mesh in front of every server of this process. Returns how to ask the callers of HTTP/2 to come back elsewhere. */
export function hookInbound({ plane, ports, ids, external, draining }: InboundHooksOptions): () => void {
  const recorder = new InboundRecorder(plane, stopwatch);
  const tcpRecorder = new InboundTcpRecorder(plane, stopwatch);
  const ownPrincipal = (): string => plane.identity.current?.spiffeId.toString() ?? '';
  const preliminaries = new Preliminaries({ plane, external, ownPrincipal, stopwatch });
  const { limits } = plane;
  const handling = { recorder, ids, stopwatch, preliminaries, limits, clock: systemClock, draining };
  const http2 = new Http2Servers({ ports, requests: new Http2Requests(handling) });
  const judge = new TcpJudge({ view: plane.view, external, clock: systemClock, ownPrincipal });
  hookServers({ ports, handler: new RequestHandler(handling) });
  hookTcpServers({ ports, tcp: new TcpConnections({ judge, recorder: tcpRecorder, ids, stopwatch }), http2 });
  plane.identity.subscribe((svid) => {
    const workload = plane.workload();
    const service = workload?.service ?? '';
    const host = service === '' ? '' : `${service}.${workload?.namespace ?? ''}.svc`;
    for (const each of [recorder, tcpRecorder]) each.setSelf(host, svid.spiffeId.toString());
  });
  return () => http2.leave();
}
