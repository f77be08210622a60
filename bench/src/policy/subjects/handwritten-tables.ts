import type { Decider } from '../decider.ts';
import type { Question } from '../questions.ts';
import { policiesOf, type World, type WorldRule, type WorldService } from '../world.ts';

/** One path of one rule. */
interface Line {
  readonly allows: boolean;
  /** Bits of {@link METHODS}. */
  readonly methods: number;
  readonly form: 'exact' | 'prefix' | 'segment';
  readonly head: string;
  readonly tail: string;
  /** Undefined where it takes every caller that the line is kept for. */
  readonly isCaller: ((caller: string) => boolean) | undefined;
}

interface Table {
  readonly callers: ReadonlyMap<string, readonly Line[]>;
  /** For callers that the mesh does not know. */
  readonly others: readonly Line[];
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
const EVERY_METHOD = 2 ** (METHODS.length + 1) - 1;

/**
 * The practical limit in its other form: callers are sorted out beforehand as in `handwritten`, and what is left of the
 * rules is a short table that one function walks, DENY first. There is less code to optimise and to keep in caches.
 */
export const handwrittenTables: Decider = {
  name: 'handwritten-tables',
  prepare: async (world) => {
    const tables = new Map(world.services.map((service) => [service.id, tableOf(world, service)]));
    return (question) => {
      const table = tables.get(question.service);
      if (table === undefined) throw new Error(`there is no service ${question.service}`);
      return walk(table.callers.get(question.caller) ?? table.others, question);
    };
  },
};

function walk(lines: readonly Line[], { caller, method, path }: Question): boolean {
  const bit = methodBit(method);
  for (const line of lines) {
    if ((line.methods & bit) === 0 || !isPath(line, path)) continue;
    if (line.isCaller === undefined || line.isCaller(caller)) return line.allows;
  }
  return false;
}

function methodBit(method: string): number {
  switch (method) {
    case 'GET':
      return 1;
    case 'POST':
      return 2;
    case 'PUT':
      return 4;
    case 'DELETE':
      return 8;
    default:
      return 16;
  }
}

function isPath({ form, head, tail }: Line, path: string): boolean {
  if (form === 'exact') return path === head;
  if (!path.startsWith(head)) return false;
  if (form === 'prefix') return true;
  const end = path.length - tail.length;
  if (end <= head.length || !path.endsWith(tail)) return false;
  const slash = path.indexOf('/', head.length);
  return slash === -1 || slash >= end;
}

function tableOf(world: World, service: WorldService): Table {
  const policies = policiesOf(world, service);
  const lines = ['DENY', 'ALLOW'].flatMap((action) =>
    policies
      .filter((policy) => policy.action === action)
      .flatMap(({ rules }) => rules.flatMap((rule) => linesOf(rule, action === 'ALLOW'))),
  );
  const callers = world.callers.map((caller) => {
    const about = lines.filter(({ isCaller }) => isCaller?.(caller) !== false);
    return [caller, about.map((line) => ({ ...line, isCaller: undefined }))] as const;
  });
  return { callers: new Map(callers), others: lines };
}

function linesOf(rule: WorldRule, allows: boolean): Line[] {
  const { methods, paths } = rule;
  const bits = methods === undefined ? EVERY_METHOD : methods.reduce((sum, method) => sum | methodBit(method), 0);
  return paths.map((path) => {
    const [head = '', tail] = path.split('{*}');
    const common = { allows, methods: bits, isCaller: callerTest(rule) };
    if (tail !== undefined) return { ...common, form: 'segment', head, tail };
    if (path.endsWith('*')) return { ...common, form: 'prefix', head: path.slice(0, -1), tail: '' };
    return { ...common, form: 'exact', head: path, tail: '' };
  });
}

function callerTest({ principals, namespaces }: WorldRule): (caller: string) => boolean {
  const parts = namespaces?.map((namespace) => `/ns/${namespace}/`);
  return (caller) =>
    (principals === undefined || principals.some((value) => isPrincipal(value, caller))) &&
    (parts === undefined || parts.some((part) => caller.includes(part)));
}

function isPrincipal(value: string, caller: string): boolean {
  if (value.startsWith('*')) return caller.endsWith(value.slice(1));
  return value.endsWith('*') ? caller.startsWith(value.slice(0, -1)) : caller === value;
}
