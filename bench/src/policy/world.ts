import { Dice } from '../harness/dice.ts';

/** One rule in a form from which every subject's own language is written. An absent list asks nothing. */
export interface WorldRule {
  /** Exact, `prefix*` or `*suffix`. */
  readonly principals?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly methods?: readonly string[];
  /** Exact, `prefix*`, or a template with one `{*}`. */
  readonly paths: readonly string[];
}

export interface WorldPolicy {
  readonly name: string;
  /** {@link ROOT} for policies of the whole mesh. */
  readonly namespace: string;
  /** A service of that namespace; undefined means all of them. */
  readonly app: string | undefined;
  readonly action: 'ALLOW' | 'DENY';
  readonly rules: readonly WorldRule[];
}

export interface WorldService {
  readonly id: string;
  readonly namespace: string;
  readonly app: string;
}

export interface World {
  readonly services: readonly WorldService[];
  /** Principals of everyone who calls. */
  readonly callers: readonly string[];
  readonly policies: readonly WorldPolicy[];
}

export const ROOT = 'istio-system';
const NAMESPACES = 10;
const SERVICES_PER_NAMESPACE = 10;
const JOBS_PER_NAMESPACE = 30;
const SEED = 20_261_121;

export const COLLECTIONS = [
  'orders',
  'users',
  'carts',
  'items',
  'prices',
  'stock',
  'invoices',
  'payments',
  'refunds',
  'shipments',
  'returns',
  'reviews',
  'searches',
  'sessions',
  'coupons',
  'taxes',
  'suppliers',
  'contracts',
  'tickets',
  'reports',
] as const;

/** A mesh of 100 services in ten namespaces, 400 callers, and as many policies as asked for; the same for the same number. */
export function createWorld(policyCount: number): World {
  const services: WorldService[] = [];
  const callers: string[] = [];
  for (let team = 0; team < NAMESPACES; team += 1) {
    const namespace = `team-${team}`;
    for (let index = 0; index < SERVICES_PER_NAMESPACE; index += 1) {
      const app = `service-${index}`;
      services.push({ id: `${namespace}/${app}`, namespace, app });
      callers.push(principal(namespace, app));
    }
    for (let index = 0; index < JOBS_PER_NAMESPACE; index += 1) callers.push(principal(namespace, `job-${index}`));
  }
  return { services, callers, policies: createPolicies({ services, callers, policyCount }) };
}

/** The policies that bear on one service. */
export function policiesOf(world: World, service: WorldService): WorldPolicy[] {
  return world.policies.filter(
    ({ namespace, app }) =>
      (namespace === ROOT || namespace === service.namespace) && (app === undefined || app === service.app),
  );
}

function principal(namespace: string, account: string): string {
  return `cluster.local/ns/${namespace}/sa/${account}`;
}

interface Ground {
  readonly services: readonly WorldService[];
  readonly callers: readonly string[];
  readonly policyCount: number;
}

/** Two for the whole mesh, then one for each namespace when there are few, else the same number for each service, one in ten a DENY. */
function createPolicies({ services, callers, policyCount }: Ground): WorldPolicy[] {
  const dice = new Dice(SEED + policyCount);
  const policies: WorldPolicy[] = [
    {
      name: 'metrics-for-monitoring',
      namespace: ROOT,
      app: undefined,
      action: 'ALLOW',
      rules: [{ principals: ['*/sa/job-0'], methods: ['GET'], paths: ['/metrics'] }],
    },
    {
      name: 'no-internals-for-team-9',
      namespace: ROOT,
      app: undefined,
      action: 'DENY',
      rules: [{ namespaces: ['team-9'], paths: ['/internal/*'] }],
    },
  ];
  const perNamespace = policyCount < services.length;
  while (policies.length < policyCount) {
    const index = policies.length - 2;
    const service = services[perNamespace ? index * SERVICES_PER_NAMESPACE : index % services.length];
    if (service === undefined) throw new Error(`${policyCount} policies are more than the namespaces`);
    const action = !perNamespace && dice.chance(10) ? 'DENY' : 'ALLOW';
    const app = perNamespace ? undefined : service.app;
    const rules = [createRule(dice, callers), ...(dice.chance(30) ? [createRule(dice, callers)] : [])];
    policies.push({ name: `policy-${index}`, namespace: service.namespace, app, action, rules });
  }
  return policies;
}

function createRule(dice: Dice, callers: readonly string[]): WorldRule {
  const methods = dice.chance(80) ? { methods: dice.some(['GET', 'POST', 'PUT', 'DELETE'], 2) } : {};
  const paths = dice.some(COLLECTIONS, 2).map((collection) => createPath(dice, collection));
  return { ...createSource(dice, callers), ...methods, paths };
}

/** Mostly named callers; some rules let a whole namespace in, by prefix or by name, or one account of every namespace. */
function createSource(dice: Dice, callers: readonly string[]): Pick<WorldRule, 'principals' | 'namespaces'> {
  const kind = dice.below(20);
  if (kind === 0) return { principals: [`cluster.local/ns/team-${dice.below(NAMESPACES)}/*`] };
  if (kind === 1) return { namespaces: [`team-${dice.below(NAMESPACES)}`] };
  if (kind === 2) return { principals: [`*/sa/job-${dice.below(JOBS_PER_NAMESPACE)}`] };
  return { principals: dice.some(callers, 3) };
}

function createPath(dice: Dice, collection: string): string {
  const kind = dice.below(10);
  if (kind < 2) return `/api/${collection}`;
  if (kind < 6) return `/api/${collection}/*`;
  return kind < 8 ? `/api/${collection}/{*}` : `/api/${collection}/{*}/lines`;
}
