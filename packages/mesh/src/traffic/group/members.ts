import type { MeshEndpoint, MeshService } from '../../view/endpoint.ts';
import { Member } from '../balance/member.ts';

/** What is known of the instances of a service, kept over its changes for those that stay. */
export class Members {
  readonly all: readonly Member[];
  readonly #byId: ReadonlyMap<string, Member>;

  constructor(service: MeshService, before: Members | undefined, now: number) {
    this.all = service.endpoints.map((endpoint) => {
      const known = before?.of(endpoint);
      if (known === undefined) return new Member(endpoint, now);
      known.endpoint = endpoint;
      return known;
    });
    this.#byId = new Map(this.all.map((member) => [member.endpoint.instanceId, member]));
  }

  of({ instanceId }: MeshEndpoint): Member | undefined {
    return this.#byId.get(instanceId);
  }
}
