import type { Authority } from '@rampart/authority';
import type { Registry } from '@rampart/registry';

type Labels = Readonly<Record<string, string>>;

export interface WorkloadLabelsOptions {
  readonly registry: Pick<Registry, 'services'>;
  readonly authority: Pick<Authority, 'list'>;
}

const SCHEME = 'spiffe://';
const NEWEST_CERTIFICATES = 20;

/** With which labels workloads are, or were: by the registry, and by what they were attested as once they are gone. */
export class WorkloadLabels {
  readonly #authority: WorkloadLabelsOptions['authority'];
  readonly #byInstance = new Map<string, Labels[]>();
  readonly #byPrincipal = new Map<string, Labels[]>();

  constructor({ registry, authority }: WorkloadLabelsOptions) {
    this.#authority = authority;
    for (const { identity, host, port, labels } of registry.services().flatMap(({ instances }) => instances)) {
      const principal = identity.slice(SCHEME.length);
      add(this.#byInstance, `${principal} ${host}:${port}`, labels);
      add(this.#byPrincipal, principal, labels);
    }
  }

  /** Looks up those of a principal that has no instance now. */
  async learn(principal: string): Promise<void> {
    if (this.#byPrincipal.has(principal)) {
      return;
    }
    this.#byPrincipal.set(principal, []);
    const spiffeId = `${SCHEME}${principal}`;
    for (const { workload } of await this.#authority.list({ spiffeId, limit: NEWEST_CERTIFICATES })) {
      if (workload !== undefined) {
        add(this.#byPrincipal, principal, workload.labels);
      }
    }
  }

  /** Different ones only once; those of the instance ("ip:port") where it is there. */
  labelsOf(principal: string, instance: string): readonly Labels[] {
    return this.#byInstance.get(`${principal} ${instance}`) ?? this.#byPrincipal.get(principal) ?? [];
  }
}

function add(known: Map<string, Labels[]>, key: string, labels: Labels): void {
  const list = known.get(key) ?? [];
  known.set(key, list);
  if (!list.some((other) => same(other, labels))) {
    list.push(labels);
  }
}

function same(one: Labels, other: Labels): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
