import { Visitor } from 'rolldown/utils';
import { isTest } from '../../repository.ts';
import type { Finding } from '../checker.ts';
import type { SourceFile } from '../source.ts';
import { waivedLines } from './waivers.ts';

type Handlers = ConstructorParameters<typeof Visitor>[0];
type ReportAt = (node: { readonly start: number }, rule: string, message: string) => void;

/** Findings of every house rule about syntax, waived lines left out. */
export function syntaxFindings(source: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const waived = waivedLines(source);
  const report: ReportAt = (node, rule, message) => {
    const line = source.lineAt(node.start);
    if (!waived.has(`${rule}:${line}`)) findings.push({ file: source.path, line, rule, message });
  };
  const rules = [certificateChecks(report), plainTypes(report)];
  if (!isOutsideWorld(source.path)) rules.push(injectedClock(report));
  if (isTest(source.path)) rules.push(honestTests(report));
  for (const handlers of rules) new Visitor(handlers).visit(source.program);
  return findings;
}

/** The repository's own programs, benchmarks, tests and examples are the outside world. */
function isOutsideWorld(path: string): boolean {
  return /^(?:tools|bench|test|examples)\//.test(path) || isTest(path);
}

/** `reject-unauthorized`: certificate checks are never switched off. */
function certificateChecks(report: ReportAt): Handlers {
  const advice = 'certificate checks are off: verify the peer, or waive with the reason';
  return {
    Property(node) {
      const { key, value } = node;
      const name = key.type === 'Identifier' ? key.name : key.type === 'Literal' ? key.value : undefined;
      const off = value.type === 'Literal' && value.value === false;
      if (name === 'rejectUnauthorized' && off) report(node, 'reject-unauthorized', advice);
    },
    AssignmentExpression(node) {
      const { left, right } = node;
      const member = left.type === 'MemberExpression' && left.property.type === 'Identifier' ? left.property.name : '';
      const off = right.type === 'Literal' && right.value === false;
      if (member === 'rejectUnauthorized' && off) report(node, 'reject-unauthorized', advice);
    },
    Literal(node) {
      // waiver: reject-unauthorized -- this is the rule that looks for it
      if (node.value === 'NODE_TLS_REJECT_UNAUTHORIZED') report(node, 'reject-unauthorized', advice);
    },
  };
}

/**
 * `export-star`: an entry file names what it exports.
 * `double-assertion`: `as unknown as T` silences the type checker.
 */
function plainTypes(report: ReportAt): Handlers {
  return {
    ExportAllDeclaration(node) {
      report(node, 'export-star', 'name what is exported: `export { x } from`');
    },
    TSAsExpression(node) {
      const inner = node.expression;
      const doubled = inner.type === 'TSAsExpression' && inner.typeAnnotation.type === 'TSUnknownKeyword';
      if (doubled)
        report(node, 'double-assertion', '`as unknown as` silences the type checker: parse the value instead');
    },
  };
}

/** `raw-clock`: `new Date()` reads the machine's clock; time comes in as a `Clock`. */
function injectedClock(report: ReportAt): Handlers {
  return {
    NewExpression(node) {
      const raw = node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0;
      if (raw) report(node, 'raw-clock', "`new Date()` reads the machine's clock: take a Clock");
    },
  };
}

/**
 * `sleeping-test`: a test waits for a condition, never for a while.
 * `focused-test`, `silent-skip`: a test runs, or says why it does not.
 */
function honestTests(report: ReportAt): Handlers {
  const sleeps = new Set<string>();
  const runners = new Set(['test', 'it', 'describe', 'suite']);
  return {
    ImportDeclaration(node) {
      if (node.source.value !== 'node:timers/promises') return;
      for (const specifier of node.specifiers) sleeps.add(specifier.local.name);
    },
    CallExpression(node) {
      const { callee } = node;
      if (callee.type === 'Identifier' && sleeps.has(callee.name)) {
        report(node, 'sleeping-test', 'wait for a condition, not for a while');
      }
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return;
      if (callee.object.type !== 'Identifier' || !runners.has(callee.object.name)) return;
      const called = callee.property.name;
      if (called === 'only') report(node, 'focused-test', 'a focused test hides all others');
      if (called === 'skip' || called === 'todo') {
        report(node, 'silent-skip', 'skip with { skip: "why" }, so that the run can say it');
      }
    },
  };
}
