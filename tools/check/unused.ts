import { join } from 'node:path';
import { runCommand } from '../command.ts';
import { repositoryRoot } from '../repository.ts';
import type { Checker, Finding } from './checker.ts';

interface KnipAnswer {
  readonly processed: number;
  readonly findings: readonly Finding[];
}

/** knip: files, exports and dependencies that nothing uses, and imports that no manifest lists. */
export const unused: Checker = {
  name: 'unused',
  what: 'knip',
  async check(root) {
    const reporter = join(repositoryRoot, 'tools', 'check', 'knip-reporter.ts');
    const { stdout, stderr } = await runCommand('knip', ['--no-progress', '--reporter', reporter], { cwd: root });
    const answer = stdout.split('\n').find((text) => text.startsWith('{"processed"'));
    if (answer === undefined) {
      return {
        files: 0,
        findings: [{ file: 'knip.json', line: 0, rule: 'knip', message: `${stdout}${stderr}`.trim() }],
      };
    }
    const { processed, findings } = JSON.parse(answer) as KnipAnswer;
    return { files: processed, findings };
  },
};
