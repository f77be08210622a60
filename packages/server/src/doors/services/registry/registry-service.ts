import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Clock, RampartError, Result } from '@rampart/core';
import {
  asGivenBy,
  type DiscoveredInstance,
  type GuardedDiscovery,
  type Registry,
  type RegistryIdentity,
} from '@rampart/registry';
import { type RegisteredInstanceSchema, RegistryService } from '@rampart/wire';
import type { RegistryGuard } from '../../../registry/open-guard.ts';
import { connectionOf } from '../../caller.ts';
import type { CallerLimits } from '../../limits/caller-limits.ts';
import { laneOf } from '../../streams/encoded-lane.ts';
import type { DirectMethod } from '../../direct/direct-calls.ts';
import { type MessageSizes, readMessage } from '../../direct/unary-method.ts';
import { createAccessMethods } from './access-methods.ts';
import { FoundFrames } from './found-frames.ts';
import { type AttestedAs, checkStill, RegistryCallers } from './identity.ts';
import { instanceMessage } from './messages.ts';
import { invalid, numberOf, queryOf, registrationOf, scopeOf, statusOf } from './requests.ts';
import { WatchStreams } from './watch-streams.ts';

export interface RegistryParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly attestedAs: AttestedAs;
  readonly guard: Pick<RegistryGuard, 'viewOf' | 'approvals' | 'policies'>;
  readonly limits: CallerLimits;
}

const MOST_RENEWED = 1000;

type Answer = { readonly instance: MessageInitShape<typeof RegisteredInstanceSchema> };

type ViewOf = (context: Pick<HandlerContext, 'values' | 'responseHeader'>) => Promise<GuardedDiscovery>;

function viewsOf({ guard }: Pick<RegistryParts, 'guard'>, callers: RegistryCallers): ViewOf {
  return async (context) => guard.viewOf(await callers.admit('query', context), connectionOf(context).remoteAddress);
}

/** Find without the protocol library: what it answers is encoded once for all who are given the same instances. */
export function createDirectFind(
  parts: RegistryParts,
  { largestMessage, smallestCompressed }: MessageSizes,
): DirectMethod {
  const view = viewsOf(parts, new RegistryCallers(parts.attestedAs, parts.limits));
  const frames = new FoundFrames(smallestCompressed);
  return {
    method: RegistryService.method.find,
    largestMessage,
    read: (message) => {
      const request = readMessage(RegistryService.method.find.input, message);
      if (request === undefined) return undefined;
      return async (context, takesGzip) => frames.of((await view(context)).find(queryOf(request)), takesGzip);
    },
  };
}

/** Who offers which service where: the registry's own door. */
export function createRegistryService(parts: RegistryParts): ServiceImpl<typeof RegistryService> {
  const { registry, clock, attestedAs, guard, limits } = parts;
  const callers = new RegistryCallers(attestedAs, limits);
  const watches = new WatchStreams(clock);
  const view = viewsOf(parts, callers);
  return {
    ...writingMethods(registry, callers),
    ...createAccessMethods(guard),
    find: async (request, context) => {
      const { revision, instances } = (await view(context)).find(queryOf(request));
      return { revision: BigInt(revision), instances: instances.map(instanceMessage) };
    },
    listServices: async ({ namespace }, context) => {
      const discovery = await view(context);
      const where = namespace === '' ? undefined : namespace;
      markIncomplete(discovery, where, context);
      const services = discovery.services(where);
      return {
        revision: BigInt(discovery.revision),
        services: services.map(({ name, revision, tags, ...rest }) => ({
          namespace: rest.namespace,
          name,
          revision: BigInt(revision),
          instances: rest.instances,
          tags: [...tags],
        })),
      };
    },
    async *watch(request, context) {
      const { from } = request;
      const discovery = await view(context);
      const scope = scopeOf(request);
      if (scope === 'all' || scope.service === undefined) {
        markIncomplete(discovery, scope === 'all' ? undefined : scope.namespace, context);
      }
      yield* watches.serve({
        discovery,
        scope,
        from: from === undefined ? undefined : numberOf(from),
        signal: context.signal,
        lane: laneOf(context),
        check: () => checkStill(context, clock.now()),
      });
    },
  };
}

/** Said of lists only: of one service, being there and being known of are the same to a caller. */
const FILTERED = 'rampart-results-filtered';

function markIncomplete(discovery: GuardedDiscovery, namespace: string | undefined, context: HandlerContext): void {
  if (!discovery.isComplete(namespace)) context.responseHeader.set(FILTERED, 'true');
}

type Writing = 'register' | 'deregister' | 'renew' | 'reportCheck' | 'drain' | 'setMaintenance';

function writingMethods(
  registry: Registry,
  callers: RegistryCallers,
): Pick<ServiceImpl<typeof RegistryService>, Writing> {
  return {
    register: async ({ instance }, context) => {
      if (instance === undefined) throw invalid('instance is missing');
      const { remoteAddress } = connectionOf(context);
      const who = await callers.admit('registration', context);
      const registered = done(await registry.register(who, registrationOf(instance, remoteAddress)));
      const { service, namespace } = registered;
      const { revision } = registry.discovery.find({ service, namespace });
      return { instance: instanceMessage(asGivenBy(who, registered)), revision: BigInt(revision) };
    },
    deregister: async ({ instanceId, reason }, context) => {
      const sourceIp = connectionOf(context).remoteAddress;
      const who = await callers.admit('registration', context);
      done(await registry.deregister(who, instanceId, { reason: reasonOf(reason, 'asked for'), sourceIp }));
      return {};
    },
    renew: async ({ instanceIds }, context) => {
      if (instanceIds.length > MOST_RENEWED) throw invalid(`at most ${MOST_RENEWED} leases are renewed at once`);
      return { unknown: [...(await registry.renew(await callers.admit('query', context), instanceIds))] };
    },
    reportCheck: async ({ instanceId, checkId, status, output }, context) => {
      const sourceIp = connectionOf(context).remoteAddress;
      const report = { ...(checkId === '' ? {} : { checkId }), status: statusOf(status), output, sourceIp };
      const who = await callers.admit('query', context);
      return answer(who, await registry.reportCheck(who, instanceId, report));
    },
    drain: async ({ instanceId, undo }, context) => {
      const who = await callers.admit('registration', context);
      return answer(
        who,
        await registry.drain(who, instanceId, { draining: !undo, sourceIp: connectionOf(context).remoteAddress }),
      );
    },
    setMaintenance: async ({ instanceId, enabled, reason }, context) => {
      const maintenance = enabled ? { maintenance: { reason: reasonOf(reason, 'maintenance') } } : {};
      const request = { ...maintenance, sourceIp: connectionOf(context).remoteAddress };
      const who = await callers.admit('registration', context);
      return answer(who, await registry.setMaintenance(who, instanceId, request));
    },
  };
}

const LONGEST_REASON = 512;

function reasonOf(reason: string, otherwise: string): string {
  if (reason.length > LONGEST_REASON) throw invalid(`the reason must be at most ${LONGEST_REASON} characters`);
  return reason === '' ? otherwise : reason;
}

function answer(who: RegistryIdentity, result: Result<DiscoveredInstance, RampartError>): Answer {
  return { instance: instanceMessage(asGivenBy(who, done(result))) };
}

function done<T>(result: Result<T, RampartError>): T {
  if (!result.ok) throw result.problem;
  return result.value;
}
