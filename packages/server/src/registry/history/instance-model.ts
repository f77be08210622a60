import type { Model } from './linearizable.ts';

/** Where an instance is: a port of a service; and which grant its lease counts from, where it has a lease that ends. */
export interface Place {
  readonly service: string;
  readonly port: number;
  readonly grant?: number;
}

/** What is asked of one instance, with the answer. */
export type InstanceAction =
  /** `grant`: a number of its own, where the lease ends. */
  | { readonly kind: 'register'; readonly place: Place }
  /** `found`: whether there was one; undefined when nobody knows. */
  | { readonly kind: 'deregister'; readonly found: boolean | undefined }
  /** Somebody looked for the instances of a service and saw this one at a port; 0 for not at all. */
  | { readonly kind: 'look'; readonly service: string; readonly port: number }
  | { readonly kind: 'renew'; readonly found: boolean | undefined; readonly grant: number }
  /** The lease of a grant ended without anybody who renewed it. */
  | { readonly kind: 'expire'; readonly grant: number }
  /** The control plane started again: every lease counts anew. */
  | { readonly kind: 'restart'; readonly grant: number };

/** A place; without one, it is not there. */
export interface InstanceState {
  readonly place?: Place;
}

/** An instance that is registered once at a time, at one place, until it is deregistered or its lease ends. */
export const INSTANCE: Model<InstanceState, InstanceAction> = {
  initial: {},
  step(state, action) {
    const { place } = state;
    switch (action.kind) {
      case 'look':
        return (place?.service === action.service ? place.port : 0) === action.port ? state : undefined;
      case 'register':
        return { place: action.place };
      case 'expire':
        return place?.grant === action.grant ? {} : undefined;
      case 'restart':
        return granted(state, action.grant);
      case 'deregister':
        return isAnswerOf(state, action.found) ? {} : undefined;
      case 'renew':
        return isAnswerOf(state, action.found) ? granted(state, action.grant) : undefined;
    }
  },
  nameOf: ({ place }) => (place === undefined ? 'absent' : `${place.service}:${place.port}/${place.grant ?? '-'}`),
};

function isAnswerOf({ place }: InstanceState, found: boolean | undefined): boolean {
  return found === undefined || found === (place !== undefined);
}

function granted({ place }: InstanceState, grant: number): InstanceState {
  return place === undefined ? {} : { place: { ...place, grant } };
}
