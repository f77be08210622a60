import type { Discovered, DiscoveredInstance } from '@rampart/registry';
import { inSlices, TimeSlices } from '../../../time-slices.ts';
import { serviceIdOf } from '../../instances/service-id.ts';
import type { Item } from '../filter/filter.ts';
import { answerWhenChanged } from '../http/blocking.ts';
import { jsonAnswer } from '../http/answer.ts';
import { type ConsulCall, param } from '../http/call.ts';
import { filterOf, nodeMetaFilter } from '../http/filtered.ts';
import { type Rendered, renderedList } from '../http/rendered.ts';
import type { ConsulRoutes } from '../http/route.ts';
import { localityMeta, nodeFields } from '../model/node.ts';
import { catalogServiceFields, serviceFields } from '../model/service.ts';
import { SHAPES } from '../model/shapes.ts';
import type { RegistryView } from '../registry-view.ts';
import { serviceQuestion } from './health.ts';
import { instancesOf, namespaceQuestion } from './namespace.ts';
import { indexOf, indexOfRevision, NodeNames, onNamedNode } from './visible.ts';

/** `/v1/catalog`: which services there are, where, and on which nodes. */
export function catalogRoutes(view: RegistryView): ConsulRoutes {
  return {
    'GET /v1/catalog/datacenters': () => jsonAnswer([view.datacenter]),
    'GET /v1/catalog/services': (call) => {
      const matches = filterOf(call.query, SHAPES.summary);
      return answerWhenChanged(
        call,
        namespaceQuestion(call, view, () => servicesOf(call, view, matches)),
        view,
      );
    },
    'GET /v1/catalog/service/:service': (call) => {
      const matches = filterOf(call.query, SHAPES.catalogService);
      const asksFor = nodeMetaFilter(call.query);
      const services = ({ instances, revision }: Discovered): Rendered | Promise<Rendered> =>
        renderedList(
          instances.filter(({ locality }) => asksFor(localityMeta(locality))),
          (instance) => [catalogServiceFields(instance, indexOfRevision(revision), view)].filter(matches),
          view.clock,
        );
      return answerWhenChanged(call, serviceQuestion(call, view, services), view);
    },
    'GET /v1/catalog/nodes': (call) => {
      const matches = filterOf(call.query, SHAPES.node);
      const asksFor = nodeMetaFilter(call.query);
      const nodes = async (): Promise<Rendered> =>
        renderedList(
          [...(await firstOfEachNode(call, view))]
            .filter(([, { locality }]) => asksFor(localityMeta(locality)))
            .toSorted(([a], [b]) => (a < b ? -1 : 1)),
          ([node, instance]) =>
            [nodeFields(instance, { ...view, index: indexOf(view, instance), node })].filter(matches),
          view.clock,
        );
      return answerWhenChanged(call, namespaceQuestion(call, view, nodes), view);
    },
    'GET /v1/catalog/node/:node': (call) => {
      const matches = filterOf(call.query, SHAPES.service);
      const node = (): Item => {
        const here = onNode(call, view);
        const services = here.map(({ id, fields }) => [id, fields] as const).filter(([, fields]) => matches(fields));
        return here[0] === undefined ? null : { Node: here[0].node, Services: Object.fromEntries(services) };
      };
      return answerWhenChanged(call, namespaceQuestion(call, view, node), view);
    },
    'GET /v1/catalog/node-services/:node': (call) => {
      const matches = filterOf(call.query, SHAPES.service);
      const node = (): Item => {
        const here = onNode(call, view);
        const services = here.map(({ fields }) => fields).filter(matches);
        return here[0] === undefined ? null : { Node: here[0].node, Services: services };
      };
      return answerWhenChanged(call, namespaceQuestion(call, view, node), view);
    },
  };
}

function servicesOf(call: ConsulCall, view: RegistryView, matches: (item: Item) => boolean): Item {
  const { discovery, namespace, query } = call;
  const asksFor = nodeMetaFilter(query);
  const hasMeta = (service: string): boolean =>
    !query.has('node-meta') ||
    view.discovery.find({ service, namespace }).instances.some(({ locality }) => asksFor(localityMeta(locality)));
  const known = discovery
    .services(namespace)
    .filter(({ name }) => hasMeta(name))
    .filter(({ name, tags }) => matches({ ServiceName: name, ServiceTags: tags }));
  return Object.fromEntries(known.map(({ name, tags }) => [name, tags]));
}

async function firstOfEachNode(call: ConsulCall, view: RegistryView): Promise<ReadonlyMap<string, DiscoveredInstance>> {
  const names = new NodeNames(call, view);
  const first = new Map<string, DiscoveredInstance>();
  await inSlices(await instancesOf(call, view), new TimeSlices(view.clock), (instance) => {
    const node = names.of(instance);
    if (!first.has(node)) first.set(node, instance);
  });
  return first;
}

interface OnNode {
  readonly id: string;
  readonly node: Item;
  readonly fields: Item;
}

function onNode(call: ConsulCall, view: RegistryView): readonly OnNode[] {
  const names = new NodeNames(call, view);
  return onNamedNode(call, view, param(call, 'node')).map((instance) => {
    const index = indexOf(view, instance);
    return {
      id: serviceIdOf(instance),
      node: nodeFields(instance, { ...view, index, node: names.of(instance) }),
      fields: serviceFields(instance, index, view),
    };
  });
}
