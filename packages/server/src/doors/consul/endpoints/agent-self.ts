import type { Item } from '../filter/filter.ts';
import { jsonAnswer } from '../http/answer.ts';
import type { ConsulRoutes } from '../http/route.ts';
import { nodeId } from '../model/node.ts';
import type { RegistryView } from '../registry-view.ts';

/** The version of Consul whose API this is: clients compare it. */
const CONSUL_VERSION = '1.20.0';
const NODE = 'rampart';
/** Serf's ports: nobody listens there, and nobody who is told asks. */
const SERF_PORT = 8301;
const RAFT_PORT = 8300;
const ALIVE = 1;

/** What is asked about the server itself. */
export function agentSelfRoutes(view: RegistryView): ConsulRoutes {
  return {
    'GET /v1/agent/self': () => jsonAnswer(selfFields(view)),
    'GET /v1/agent/members': () => jsonAnswer([memberFields(view)]),
    'GET /v1/agent/version': () =>
      jsonAnswer({ HumanVersion: CONSUL_VERSION, SHA: '', BuildDate: '', FIPS: '', Rampart: view.version }),
    'GET /v1/status/leader': () => jsonAnswer(raftAddress(view)),
    'GET /v1/status/peers': () => jsonAnswer([raftAddress(view)]),
  };
}

function selfFields(view: RegistryView): Item {
  return {
    Config: {
      Datacenter: view.datacenter,
      PrimaryDatacenter: view.datacenter,
      NodeName: NODE,
      NodeID: nodeId(NODE),
      Revision: '',
      Server: true,
      Version: CONSUL_VERSION,
      VersionMetadata: `rampart ${view.version}`,
      BuildDate: '',
    },
    DebugConfig: { Datacenter: view.datacenter, NodeName: NODE, ACLsEnabled: true },
    Stats: { agent: {}, consul: { server: 'true', leader: 'true', known_datacenters: '1' } },
    Member: memberFields(view),
    Meta: {},
  };
}

function memberFields({ address, datacenter }: RegistryView): Item {
  return {
    Name: NODE,
    Addr: address,
    Port: SERF_PORT,
    Tags: { role: 'consul', dc: datacenter, build: CONSUL_VERSION },
    Status: ALIVE,
    ProtocolMin: 1,
    ProtocolMax: 5,
    ProtocolCur: 2,
    DelegateMin: 2,
    DelegateMax: 5,
    DelegateCur: 4,
  };
}

function raftAddress({ address }: RegistryView): string {
  return `${address.includes(':') ? `[${address}]` : address}:${RAFT_PORT}`;
}
