import http from 'node:http';

import { OutboundRecorder, OutboundTcpRecorder } from '@rampart/mesh';
import type { ExternalAuthorizer, IdSource, Outbound } from '@rampart/mesh';

import { stopwatch } from '../clock.ts';
import { currentRequest } from '../context.ts';
import { hookAgents, MeshAgents } from './agent-hook.ts';
import { guardConnections } from './connection-guard.ts';
import { hookHttp2 } from './http2/client-hook.ts';
import { Http2Calls } from './http2/http2-calls.ts';
import { hookLookups, MeshNames } from './mesh-names.ts';
import { TlsOrigination } from './originated-tls.ts';
import { OutsideConnections } from './outside-connections.ts';
import { DirectSockets } from './ruled/direct-sockets.ts';
import { InstanceSessions } from './ruled/http2/instance-sessions.ts';
import { RuledStreams } from './ruled/http2/ruled-streams.ts';
import { LoopHold } from './ruled/loop-hold.ts';
import { PendingExchanges } from './ruled/pending-exchanges.ts';
import { RuledDoor } from './ruled/ruled-door.ts';
import { RuledRequests } from './ruled/ruled-requests.ts';
import { InstanceConnections } from './ruled/spliced/instance-connections.ts';
import { hookSockets } from './socket-hook.ts';
import { hookSocketConnect } from './tcp/socket-connect.ts';
import { TcpCalls } from './tcp/tcp-calls.ts';
import { hookUndici } from './undici-hook.ts';

export interface OutboundHooksOptions {
  readonly outbound: Outbound;
  readonly ids: IdSource;
  readonly external: ExternalAuthorizer;
  /** The control plane, which no policy keeps this process from. */
  readonly exempt: URL | undefined;
}

/** Puts the mesh behind every way in which this process opens connections. */
export function hookOutbound({ outbound, ids, external, exempt }: OutboundHooksOptions): void {
  const { plane } = outbound;
  const source = { ids, stopwatch, parent: () => currentRequest.getStore() };
  const recorder = new OutboundRecorder(plane, source);
  const http2Recorder = new OutboundRecorder(plane, { ...source, protocol: 'HTTP/2' });
  const tcpRecorder = new OutboundTcpRecorder(plane, stopwatch);
  const names = new MeshNames(outbound);
  const tcpCalls = new TcpCalls({ outbound, recorder: tcpRecorder, ids, stopwatch });
  const agents = new MeshAgents(outbound);
  const held = { outbound, pending: new PendingExchanges(), hold: new LoopHold() };
  const ruled = new RuledRequests({ ...held, recorder, agent: agents.for(new http.Agent({ keepAlive: true })) });
  const instances = new InstanceSessions(outbound);
  const streams = new RuledStreams({ ...held, recorder: http2Recorder, sessions: instances });
  const connections = new InstanceConnections({ ...held, now: () => stopwatch.elapsed() });
  const spliced = { ...held, recorder, connections };
  const door = new RuledDoor({ outbound, requests: ruled, streams, spliced });
  hookAgents({ outbound, recorder, agents, ruled, door });
  const direct = new DirectSockets();
  const outside = new OutsideConnections({ outbound, recorder: tcpRecorder, ids, stopwatch });
  const guard = guardConnections(outbound, { recorder, exempt, outside });
  const origination = new TlsOrigination({ outbound, guard, outside });
  hookSockets({ outbound, names, calls: tcpCalls, door, direct, origination });
  const http2 = hookHttp2({ outbound, names, calls: new Http2Calls(outbound, http2Recorder), door, streams });
  hookUndici({ outbound, recorder, ruled, direct, outside });
  hookSocketConnect({ outbound, names, calls: tcpCalls });
  hookLookups(names);
  plane.identity.subscribe((svid) => {
    const workload = plane.workload();
    const service = workload?.service ?? '';
    const self = service === '' ? (workload?.serviceAccount ?? '') : service;
    for (const each of [recorder, http2Recorder, tcpRecorder]) each.setSelf(self, svid.spiffeId.toString());
    agents.retire(() => false);
    instances.retire(() => false);
    connections.retire(() => false);
    external.close();
  });
  plane.view.subscribe((change) => {
    if (change.traffic) {
      direct.retire((host, port) => door.concerns(host, port));
      http2.retire();
      outside.retire();
    }
    if (change.gone.size === 0) return;
    agents.retire((instanceId) => !change.gone.has(instanceId));
    instances.retire((instanceId) => !change.gone.has(instanceId));
    connections.retire((instanceId) => !change.gone.has(instanceId));
    external.close();
  });
}
