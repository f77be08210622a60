import { Dice } from '../harness/dice.ts';
import { COLLECTIONS, policiesOf, type World, type WorldPolicy, type WorldService } from './world.ts';

/** May this caller do this at that service? */
export interface Question {
  /** Id of the service. */
  readonly service: string;
  /** Principal of the caller. */
  readonly caller: string;
  readonly method: string;
  readonly path: string;
}

const QUESTION_COUNT = 4_096;
const SEED = 4_711;

/**
 * A mix as a busy mesh sees it: most follow a rule of the service, some of them one that denies, the rest come from
 * callers and for paths picked blindly. The same for the same world.
 */
export function createQuestions(world: World): Question[] {
  const dice = new Dice(SEED);
  const bearing = new Map(world.services.map((service) => [service.id, policiesOf(world, service)]));
  return Array.from({ length: QUESTION_COUNT }, () => {
    const service = dice.pick(world.services);
    const policies = bearing.get(service.id) ?? [];
    return dice.chance(65) ? alongRule(dice, { world, service, policies }) : blind(dice, world, service);
  });
}

interface Place {
  readonly world: World;
  readonly service: WorldService;
  readonly policies: readonly WorldPolicy[];
}

function alongRule(dice: Dice, { world, service, policies }: Place): Question {
  const rule = dice.pick(dice.pick(policies).rules);
  const caller = callerFor(dice, world, [...(rule.principals ?? []), ...(rule.namespaces ?? []).map(ofNamespace)]);
  const method = dice.pick(rule.methods ?? ['GET', 'POST']);
  return { service: service.id, caller, method, path: pathFor(dice, dice.pick(rule.paths)) };
}

function blind(dice: Dice, world: World, service: WorldService): Question {
  const method = dice.pick(['GET', 'POST', 'PUT', 'DELETE']);
  const form = dice.pick(['/api/@/*', '/api/@', '/api/@/{*}/lines', '/internal/@', '/metrics']);
  const path = pathFor(dice, form.replace('@', dice.pick(COLLECTIONS)));
  return { service: service.id, caller: dice.pick(world.callers), method, path };
}

function ofNamespace(namespace: string): string {
  return `cluster.local/ns/${namespace}/*`;
}

function callerFor(dice: Dice, world: World, patterns: readonly string[]): string {
  const pattern = dice.pick(patterns);
  if (pattern.startsWith('*')) return dice.pick(world.callers.filter((caller) => caller.endsWith(pattern.slice(1))));
  if (pattern.endsWith('*')) {
    return dice.pick(world.callers.filter((caller) => caller.startsWith(pattern.slice(0, -1))));
  }
  return pattern;
}

function pathFor(dice: Dice, pattern: string): string {
  const id = String(dice.below(1_000_000));
  if (pattern.endsWith('*')) return `${pattern.slice(0, -1)}${dice.chance(30) ? `${id}/lines` : id}`;
  return pattern.replace('{*}', id);
}
