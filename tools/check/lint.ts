import { runCommand } from '../command.ts';
import { configFor } from './canary-config.ts';
import type { Checker, Finding } from './checker.ts';

interface OxlintReport {
  readonly number_of_files: number;
  readonly diagnostics: readonly {
    readonly message: string;
    readonly code?: string;
    readonly help?: string;
    readonly filename: string;
    readonly labels: readonly { readonly span: { readonly line?: number } }[];
  }[];
}

/** oxlint with type information; a warning is an error. */
export const lint: Checker = {
  name: 'lint',
  what: 'oxlint --type-aware --deny-warnings',
  async check(root) {
    const config = configFor(root, '.oxlintrc.json');
    const args = [
      '--type-aware',
      '--deny-warnings',
      '--report-unused-disable-directives',
      '--format',
      'json',
      '--config',
      config,
    ];
    const { stdout, stderr, code } = await runCommand('oxlint', args, { cwd: root });
    if (!stdout.trimStart().startsWith('{')) {
      return {
        files: 0,
        findings: [{ file: '.oxlintrc.json', line: 0, rule: 'oxlint', message: `${stdout}${stderr}`.trim() }],
      };
    }
    const report = JSON.parse(stdout) as OxlintReport;
    const findings: Finding[] = report.diagnostics.map((problem) => ({
      file: problem.filename,
      line: problem.labels[0]?.span.line ?? 0,
      rule: problem.code ?? 'oxlint',
      message: problem.help === undefined ? problem.message : `${problem.message} ${problem.help}`,
    }));
    if (code !== 0 && findings.length === 0) {
      findings.push({
        file: '.oxlintrc.json',
        line: 0,
        rule: 'oxlint',
        message: stderr.trim() || `oxlint exited with ${code}`,
      });
    }
    return { files: report.number_of_files, findings };
  },
};
