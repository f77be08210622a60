import type { Verdict } from '@rampart/core';
import type { Palette } from '../render/colour.ts';
import { printable } from '../render/text.ts';

/** A verdict as a few aligned lines: the decision first, then who decided and why. Ends with a newline. */
export function renderVerdict(verdict: Verdict, question: string, palette: Palette): string {
  const paint = verdict.decision === 'ALLOW' ? palette.good : palette.bad;
  const lines = [
    `${paint(palette.bold(verdict.decision))}  ${printable(question)}`,
    field('policy', policyOf(verdict)),
    field('reason', verdict.reason),
    field('mtls', verdict.mode),
  ];
  if (verdict.audit.length > 0) lines.push(field('audit', verdict.audit.join(', ')));
  for (const dryRun of verdict.dryRun) lines.push(field('dry run', `${dryRun.policy} would ${dryRun.would}`));
  if (verdict.dryRunDecision !== '') {
    lines.push(field('dry run', `together with what is enforced: ${verdict.dryRunDecision}`));
  }
  return `${lines.join('\n')}\n`;
}

function policyOf(verdict: Verdict): string {
  if (verdict.policy === '') return 'none';
  if (verdict.action === '') return verdict.policy;
  const rule = verdict.rule < 0 ? 'no rule matched' : `rules[${verdict.rule}]`;
  return `${verdict.policy} (${verdict.action}, ${rule})`;
}

function field(name: string, value: string): string {
  return `  ${name.padEnd(8)}${printable(value)}`;
}

/** A verdict as plain data, its fields in the order that every answer, log and page has them. */
export function verdictData(verdict: Verdict): object {
  const { decision, policy, rule, action, reason, audit, dryRun, dryRunDecision, mode } = verdict;
  return { decision, policy, rule, action, reason, audit, dryRun, dryRunDecision, mode };
}
