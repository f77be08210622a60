import { runCommand } from '../command.ts';
import { configFor } from './canary-config.ts';
import type { Checker, Finding } from './checker.ts';

/** oxfmt, without writing. */
export const format: Checker = {
  name: 'format',
  what: 'oxfmt --check',
  async check(root) {
    const args = ['--check', '--config', configFor(root, '.oxfmtrc.json')];
    const { stdout, stderr, code } = await runCommand('oxfmt', args, { cwd: root });
    const output = `${stdout}\n${stderr}`;
    const findings: Finding[] = [...output.matchAll(/^(\S+\.\w+) \(\d+ms\)$/gm)].map(([, file = '']) => ({
      file,
      line: 0,
      rule: 'format',
      message: 'not in house format: `npm run format` mends it',
    }));
    if (code !== 0 && findings.length === 0) {
      findings.push({ file: '.oxfmtrc.json', line: 0, rule: 'oxfmt', message: output.trim() });
    }
    return { files: Number(/on (\d+) files/.exec(output)?.[1] ?? 0), findings };
  },
};
