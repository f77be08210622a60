import {
  compileWorkloadPolicy,
  type ConnectionPolicy,
  type RequestAttributes,
  type WorkloadPolicy,
} from '@rampart/core';

import type { Decider } from '../decider.ts';
import type { Question } from '../questions.ts';
import { resourceOf } from '../resources.ts';
import { policiesOf, ROOT, type World } from '../world.ts';

const PORT = 8080;

/** As the data plane of each service has it: policies compiled once, narrowed once for each connection, asked for each request. */
export const rampart: Decider = {
  name: 'rampart',
  prepare: async (world) => {
    const planes = compileAll(world);
    return (question) =>
      planeOf(planes, question).connection(question.caller).evaluate(facts(question)).decision === 'ALLOW';
  },
};

/** The same when each decision is written down with its reason, as the access log does: why nothing allowed a request is worked out only then. */
export const rampartWithReason: Decider = {
  name: 'rampart-with-reason',
  prepare: async (world) => {
    const planes = compileAll(world);
    return (question) => {
      const verdict = planeOf(planes, question).connection(question.caller).evaluate(facts(question));
      if (verdict.reason === '') throw new Error('a verdict without a reason');
      return verdict.decision === 'ALLOW';
    };
  },
};

/** The same with a connection of its own for each request, as callers without keep-alive have it. */
export const rampartNewConnection: Decider = {
  name: 'rampart-new-connection',
  prepare: async (world) => {
    const planes = compileAll(world);
    return (question) =>
      planeOf(planes, question).connect(question.caller).evaluate(facts(question)).decision === 'ALLOW';
  },
};

/** What of a service's data plane has a part in a decision: its policy, and what is left of it on each open connection. */
class Plane {
  readonly #policy: WorkloadPolicy;
  readonly #open = new Map<string, ConnectionPolicy>();

  constructor(policy: WorkloadPolicy) {
    this.#policy = policy;
  }

  connection(caller: string): ConnectionPolicy {
    let connection = this.#open.get(caller);
    if (connection === undefined) {
      connection = this.connect(caller);
      this.#open.set(caller, connection);
    }
    return connection;
  }

  connect(principal: string): ConnectionPolicy {
    const attributes = { principal, sourceIp: '10.0.0.1', destinationIp: '10.0.0.2', destinationPort: PORT, sni: '' };
    return this.#policy.forConnection(attributes);
  }
}

/** The facts of one request, made for it as the data plane makes them. */
class Facts implements RequestAttributes {
  readonly method: string;
  readonly path: string;
  readonly host = 'service:8080';
  readonly token = undefined;
  readonly remoteIp = '10.0.0.1';

  constructor(method: string, path: string) {
    this.method = method;
    this.path = path;
  }

  header(_name: string): string | undefined {
    return undefined;
  }
}

function facts({ method, path }: Question): Facts {
  return new Facts(method, path);
}

function planeOf(planes: ReadonlyMap<string, Plane>, { service }: Question): Plane {
  const plane = planes.get(service);
  if (plane === undefined) throw new Error(`there is no service ${service}`);
  return plane;
}

function compileAll(world: World): Map<string, Plane> {
  const resources = new Map(world.policies.map((policy) => [policy, resourceOf(policy)]));
  return new Map(
    world.services.map((service) => {
      const { id, namespace, app } = service;
      const policy = compileWorkloadPolicy({
        workload: { namespace, serviceAccount: app, labels: { app } },
        resources: policiesOf(world, service).flatMap((each) => resources.get(each) ?? []),
        rootNamespace: ROOT,
        trustDomain: 'cluster.local',
      });
      if (policy.problems.length > 0) throw new Error(policy.problems.join('\n'));
      return [id, new Plane(policy)];
    }),
  );
}
