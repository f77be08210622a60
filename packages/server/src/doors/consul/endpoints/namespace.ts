import type { DiscoveredInstance } from '@rampart/registry';
import { inSlices, TimeSlices } from '../../../time-slices.ts';
import type { Item } from '../filter/filter.ts';
import type { Question } from '../http/blocking.ts';
import type { ConsulCall } from '../http/call.ts';
import type { Rendered } from '../http/rendered.ts';
import type { RegistryView } from '../registry-view.ts';
import type { Asked } from './visible.ts';

type Made = Item | Rendered;

/** What is asked of everything in the namespace of the call. */
export function namespaceQuestion(call: ConsulCall, view: RegistryView, make: () => Made | Promise<Made>): Question {
  const { namespace, caller } = call;
  return {
    about: { namespace },
    isFiltered: !view.mayReadAll(caller, namespace),
    answer: async () => {
      const json = await make();
      return { index: view.listIndexes.of(call, json, view.discovery.revision), json };
    },
  };
}

/** Every instance of the namespace that the caller may know of. Others have their turn in between, and may change what comes later. */
export async function instancesOf(
  { discovery, namespace }: Asked,
  view: RegistryView,
): Promise<readonly DiscoveredInstance[]> {
  const names = discovery.services(namespace);
  const all = names.flatMap(({ name }) => view.discovery.find({ service: name, namespace }).instances);
  const seen: DiscoveredInstance[] = [];
  await inSlices(all, new TimeSlices(view.clock), ({ instanceId }) => {
    // Which of them, and what of them, is for the caller to see.
    const instance = discovery.instance(instanceId);
    if (instance !== undefined) seen.push(instance);
  });
  return seen;
}
