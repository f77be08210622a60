import { RampartError } from '@rampart/core';
import type { Discovered, DiscoveredInstance, Locality } from '@rampart/registry';
import { nodeName } from '../../instances/node-name.ts';
import type { Item } from '../filter/filter.ts';
import { answerWhenChanged, type Question } from '../http/blocking.ts';
import { type ConsulCall, isSet, param } from '../http/call.ts';
import { filterOf, nodeMetaFilter } from '../http/filtered.ts';
import type { ConsulRoutes } from '../http/route.ts';
import { checksOf } from '../model/check.ts';
import { localityMeta, nodeFields } from '../model/node.ts';
import { serviceFields } from '../model/service.ts';
import { SHAPES } from '../model/shapes.ts';
import { type Rendered, renderedList } from '../http/rendered.ts';
import type { RegistryView } from '../registry-view.ts';
import { instancesOf, namespaceQuestion } from './namespace.ts';
import { isUsual, UsualAnswers } from './usual-answers.ts';
import { indexOf, indexOfRevision, onNamedNode } from './visible.ts';

const STATES = new Set(['any', 'passing', 'warning', 'critical']);

/** What is made of what was found of a service. */
type ListOf = (found: Discovered) => Rendered | Promise<Rendered>;

/** `/v1/health`: services with the nodes that they are on and the checks that speak of them. */
export function healthRoutes(view: RegistryView): ConsulRoutes {
  const usual = new UsualAnswers();
  return {
    'GET /v1/health/service/:service': (call) => {
      const matches = filterOf(call.query, SHAPES.entry);
      const asksFor = nodeMetaFilter(call.query);
      const entries: ListOf = ({ instances, revision }) =>
        renderedList(
          instances.filter(({ locality }) => asksFor(localityMeta(locality))),
          (instance) => [entryOf(instance, indexOfRevision(revision), view)].filter(matches),
          view.clock,
        );
      const json = isUsual(call) ? usual.of(call, entries) : entries;
      return answerWhenChanged(call, serviceQuestion(call, view, json), view);
    },
    'GET /v1/health/checks/:service': (call) => {
      const matches = filterOf(call.query, SHAPES.check);
      const checks: ListOf = ({ instances, revision }) =>
        renderedList(
          instances,
          (instance) => checksOf(instance, indexOfRevision(revision)).filter(matches),
          view.clock,
        );
      return answerWhenChanged(call, serviceQuestion(call, view, checks), view);
    },
    'GET /v1/health/node/:node': (call) => {
      const matches = filterOf(call.query, SHAPES.check);
      const here = (): Item =>
        onNamedNode(call, view, param(call, 'node'))
          .flatMap((instance) => checksOf(instance, indexOf(view, instance)))
          .filter(matches);
      return answerWhenChanged(call, namespaceQuestion(call, view, here), view);
    },
    'GET /v1/health/state/:state': (call) => {
      const state = param(call, 'state');
      if (!STATES.has(state)) {
        throw new RampartError('INVALID_ARGUMENT', 'a state is "any", "passing", "warning" or "critical"');
      }
      const matches = filterOf(call.query, SHAPES.check);
      const checks = async (): Promise<Rendered> =>
        renderedList(
          await instancesOf(call, view),
          (instance) =>
            checksOf(instance, indexOf(view, instance))
              .filter(({ Status }) => state === 'any' || Status === state)
              .filter(matches),
          view.clock,
        );
      return answerWhenChanged(call, namespaceQuestion(call, view, checks), view);
    },
  };
}

/**
 * What is asked of the service in the path, with `?tag=` as often as given, `?passing` and `?near=`. A service that the caller may
 * not know of has the answer of one that nobody ever registered, and the same headers.
 */
export function serviceQuestion(call: ConsulCall, view: RegistryView, json: ListOf): Question {
  const service = param(call, 'service');
  const key = { service, namespace: call.namespace };
  const near = nearOf(call, view);
  const query = {
    ...key,
    tags: call.query.getAll('tag'),
    health: isSet(call.query, 'passing') ? 'passing' : 'any',
    ...(near === undefined ? {} : { near }),
  } as const;
  return {
    about: { service: key },
    isFiltered: !view.mayRead(call.caller, key),
    answer: () => {
      const found = call.discovery.find(query);
      return { index: indexOfRevision(found.revision), json: json(found) };
    },
  };
}

function entryOf(instance: DiscoveredInstance, index: number, view: RegistryView): Item {
  return {
    Node: nodeFields(instance, { ...view, index }),
    Service: serviceFields(instance, index, view),
    Checks: checksOf(instance, index),
  };
}

/** Nearness to the region and zone that a node's instances say they are in; `_agent` is the host that asks. */
function nearOf({ query, sourceIp, discovery }: ConsulCall, view: RegistryView): Locality | undefined {
  const near = query.get('near');
  if (near === null || near === '') return undefined;
  const node = near === '_agent' || near === '_ip' ? nodeName(sourceIp) : near.toLowerCase();
  return view.nodes
    .get(node)
    .map((id) => discovery.instance(id)?.locality)
    .find((locality) => locality !== undefined);
}
