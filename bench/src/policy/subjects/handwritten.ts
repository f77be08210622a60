import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Decide, Decider } from '../decider.ts';
import { policiesOf, type World, type WorldRule, type WorldService } from '../world.ts';

/**
 * The practical limit: what a good engineer writes who knows these policies and nothing else. One map from service to
 * one map from caller to a straight expression over method and path; written out as a module and loaded.
 */
export const handwritten: Decider = {
  name: 'handwritten',
  prepare: async (world) => {
    const directory = mkdtempSync(join(tmpdir(), 'rampart-bench-'));
    try {
      const file = join(directory, 'decide.mjs');
      writeFileSync(file, moduleOf(world));
      const loaded = (await import(pathToFileURL(file).href)) as { readonly decide: Decide };
      return loaded.decide;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

const PRELUDE = `
const isOne = (path, head, tail) => {
  const end = path.length - tail.length;
  if (end <= head.length || !path.startsWith(head) || !path.endsWith(tail)) return false;
  const slash = path.indexOf('/', head.length);
  return slash === -1 || slash >= end;
};`;

function moduleOf(world: World): string {
  const decisions = new Decisions();
  const services = world.services.map(
    (service) => `  [${quoted(service.id)}, ${serviceTable(world, service, decisions)}],`,
  );
  return `${PRELUDE}
${decisions.declarations()}
const services = new Map([
${services.join('\n')}
]);
export const decide = ({ service, caller, method, path }) => {
  const table = services.get(service);
  const known = table.callers.get(caller);
  return known === undefined ? table.others(caller, method, path) : known(method, path);
};
`;
}

/** What two callers may do alike is one function. */
class Decisions {
  readonly #names = new Map<string, string>();

  nameOf(expression: string): string {
    const name = this.#names.get(expression) ?? `decision${this.#names.size}`;
    this.#names.set(expression, name);
    return name;
  }

  declarations(): string {
    return [...this.#names].map(([expression, name]) => `const ${name} = (method, path) => ${expression};`).join('\n');
  }
}

/** Callers of this mesh are sorted out beforehand, as a kept connection is; strangers are held against the patterns. */
function serviceTable(world: World, service: WorldService, decisions: Decisions): string {
  const policies = policiesOf(world, service);
  const rulesOf = (action: string): WorldRule[] =>
    policies.filter((policy) => policy.action === action).flatMap(({ rules }) => rules);
  const [deny, allow] = [rulesOf('DENY'), rulesOf('ALLOW')];
  const callers = world.callers.map((caller) => {
    const about = (rule: WorldRule): boolean => isAbout(rule, caller);
    const decision = expression({ deny: deny.filter(about), allow: allow.filter(about) }, request);
    return `[${quoted(caller)}, ${decisions.nameOf(decision)}]`;
  });
  const isOpen = (rule: WorldRule): boolean => (rule.principals ?? ['*']).some((value) => value.includes('*'));
  const others = expression({ deny: deny.filter(isOpen), allow: allow.filter(isOpen) }, withCaller);
  return `{ callers: new Map([${callers.join(', ')}]), others: (caller, method, path) => ${others} }`;
}

interface Rules {
  readonly deny: readonly WorldRule[];
  readonly allow: readonly WorldRule[];
}

function expression({ deny, allow }: Rules, write: (rule: WorldRule) => string): string {
  const allowed = any(allow.map(write));
  if (allow.length === 0) return 'false';
  return deny.length === 0 ? allowed : `!${any(deny.map(write))} && ${allowed}`;
}

function isAbout({ principals, namespaces }: WorldRule, caller: string): boolean {
  const matches = (value: string): boolean => {
    if (value.startsWith('*')) return caller.endsWith(value.slice(1));
    return value.endsWith('*') ? caller.startsWith(value.slice(0, -1)) : caller === value;
  };
  return (
    (principals === undefined || principals.some(matches)) &&
    (namespaces === undefined || namespaces.some((namespace) => caller.includes(`/ns/${namespace}/`)))
  );
}

function withCaller(rule: WorldRule): string {
  const principals = (rule.principals ?? [])
    .filter((value) => value.includes('*'))
    .map((value) =>
      value.startsWith('*')
        ? `caller.endsWith(${quoted(value.slice(1))})`
        : `caller.startsWith(${quoted(value.slice(0, -1))})`,
    );
  const namespaces = (rule.namespaces ?? []).map((namespace) => `caller.includes(${quoted(`/ns/${namespace}/`)})`);
  return [...[principals, namespaces].filter((tests) => tests.length > 0).map(any), request(rule)].join(' && ');
}

function request({ methods, paths }: WorldRule): string {
  const tests = paths.map((path) => {
    const [head = '', tail] = path.split('{*}');
    if (tail !== undefined) return `isOne(path, ${quoted(head)}, ${quoted(tail)})`;
    return path.endsWith('*') ? `path.startsWith(${quoted(path.slice(0, -1))})` : `path === ${quoted(path)}`;
  });
  if (methods === undefined) return any(tests);
  return `${any(methods.map((method) => `method === ${quoted(method)}`))} && ${any(tests)}`;
}

function any(tests: readonly string[]): string {
  return tests.length === 0 ? 'false' : `(${tests.join(' || ')})`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
