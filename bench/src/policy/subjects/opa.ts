import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadPolicy } from '@open-policy-agent/opa-wasm';

import type { Absent } from '../../harness/absent.ts';
import type { Decider } from '../decider.ts';
import { policiesOf, type World, type WorldRule, type WorldService } from '../world.ts';
import { findCompiler } from './opa-compiler.ts';

const ENTRY = 'mesh/allow';
/** Policies are data, found by service and caller; read by OPA of both major versions. */
const REGO = `package mesh
import future.keywords.contains
import future.keywords.if
import future.keywords.in
default allow := false
allow if { not denied; some rule in rules("ALLOW"); covers(rule) }
denied if { some rule in rules("DENY"); covers(rule) }
rules(action) := array.concat(
  object.get(data.services[input.service][action].named, input.caller, []),
  [rule | some rule in data.services[input.service][action].open; is_caller(rule)],
)
is_caller(rule) if { some value in rule.suffixes; endswith(input.caller, value) }
is_caller(rule) if { some value in rule.prefixes; startswith(input.caller, value) }
is_caller(rule) if { some value in rule.parts; contains(input.caller, value) }
covers(rule) if { is_method(rule); some path in rule.paths; is_path(path) }
is_method(rule) if count(rule.methods) == 0
is_method(rule) if input.method in rule.methods
is_path(path) if { path.kind == "exact"; input.path == path.head }
is_path(path) if { path.kind == "prefix"; startswith(input.path, path.head) }
is_path(path) if {
  path.kind == "one"
  startswith(input.path, path.head)
  endswith(input.path, path.tail)
  size := (count(input.path) - count(path.head)) - count(path.tail)
  size > 0
  not contains(substring(input.path, count(path.head), size), "/")
}
`;

/** OPA compiled to WebAssembly, the policies loaded once as data. */
export const opa: Decider = {
  name: 'opa',
  prepare: async (world) => {
    const compiler = await findCompiler();
    if (typeof compiler !== 'string') return compiler;
    const module = compile(compiler);
    if ('absent' in module) return module;
    const policy = await loadPolicy(module.wasm);
    policy.setData({
      services: Object.fromEntries(world.services.map((service) => [service.id, tables(world, service)])),
    });
    return (question) => {
      const [first] = policy.evaluate(question) as readonly { readonly result: unknown }[];
      return first?.result === true;
    };
  },
};

function compile(compiler: string): { readonly wasm: Buffer } | Absent {
  const directory = mkdtempSync(join(tmpdir(), 'rampart-bench-'));
  try {
    writeFileSync(join(directory, 'mesh.rego'), REGO);
    const args = ['build', '-t', 'wasm', '-e', ENTRY, '-o', 'bundle.tar.gz', 'mesh.rego'];
    const built = spawnSync(compiler, args, { cwd: directory, encoding: 'utf8' });
    if (built.status !== 0) return { absent: `opa build failed: ${built.stderr}` };
    const unpacked = spawnSync('tar', ['-xzf', 'bundle.tar.gz', '/policy.wasm'], { cwd: directory, encoding: 'utf8' });
    if (unpacked.status !== 0) return { absent: `the bundle of opa build cannot be read: ${unpacked.stderr}` };
    return { wasm: readFileSync(join(directory, 'policy.wasm')) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function tables(world: World, service: WorldService): Record<string, unknown> {
  const policies = policiesOf(world, service);
  return Object.fromEntries(
    ['ALLOW', 'DENY'].map((action) => {
      const rules = policies.filter((policy) => policy.action === action).flatMap((policy) => policy.rules);
      return [action, table(rules)];
    }),
  );
}

function table(rules: readonly WorldRule[]): Record<string, unknown> {
  const named: Record<string, unknown[]> = {};
  const open: unknown[] = [];
  for (const { principals = [], namespaces = [], methods = [], paths } of rules) {
    const body = { methods, paths: paths.map(pathOf) };
    for (const principal of principals.filter((value) => !value.includes('*'))) (named[principal] ??= []).push(body);
    const suffixes = principals.filter((value) => value.startsWith('*')).map((value) => value.slice(1));
    const prefixes = principals.filter((value) => value.endsWith('*')).map((value) => value.slice(0, -1));
    const parts = namespaces.map((namespace) => `/ns/${namespace}/`);
    if (suffixes.length + prefixes.length + parts.length > 0) open.push({ ...body, suffixes, prefixes, parts });
  }
  return { named, open };
}

function pathOf(path: string): Record<string, string> {
  const [head = '', tail] = path.split('{*}');
  if (tail !== undefined) return { kind: 'one', head, tail };
  return path.endsWith('*') ? { kind: 'prefix', head: path.slice(0, -1) } : { kind: 'exact', head: path };
}
