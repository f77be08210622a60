import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { runCommand } from '../command.ts';
import { writtenFiles } from '../repository.ts';
import type { Checker, Finding } from './checker.ts';

interface ProjectFile {
  readonly references?: readonly { readonly path: string }[];
  readonly include?: readonly string[];
}

const diagnostic = /^(?<file>[^\s(][^(]*)\((?<line>\d+),\d+\): error (?<rule>TS\d+): (?<message>.*)$/;

/** `tsc -b` over every project, and no TypeScript file that belongs to none. */
export const types: Checker = {
  name: 'types',
  what: 'tsc -b',
  async check(root) {
    const { stdout, stderr, code } = await runCommand('tsc', ['-b', '--pretty', 'false'], { cwd: root });
    const findings = `${stdout}\n${stderr}`.split('\n').flatMap(readDiagnostic);
    if (code !== 0 && findings.length === 0) {
      findings.push({ file: 'tsconfig.json', line: 0, rule: 'tsc', message: `${stdout}${stderr}`.trim() });
    }
    const covered = projectFolders(root);
    const sources = writtenFiles(root, ['.ts', '.mts', '.cts']);
    const outside = sources.filter(
      (file) => !covered.some((folder) => folder === '.' || file.startsWith(`${folder}/`)),
    );
    for (const file of outside) {
      findings.push({
        file,
        line: 0,
        rule: 'no-project',
        message: 'no tsconfig.json includes this file, so nobody checks its types',
      });
    }
    return { files: sources.length - outside.length, findings };
  },
};

function readDiagnostic(line: string): Finding[] {
  const match = diagnostic.exec(line);
  if (match?.groups === undefined) {
    const bare = /^error (TS\d+): (.*)$/.exec(line);
    return bare === null ? [] : [{ file: 'tsconfig.json', line: 0, rule: bare[1] ?? '', message: bare[2] ?? '' }];
  }
  const { file = '', line: at = '0', rule = '', message = '' } = match.groups;
  return [{ file, line: Number(at), rule, message }];
}

/** The folders whose files a `tsc -b` at `root` reads: each project's `include`, resolved. */
function projectFolders(root: string): string[] {
  const seen = new Map<string, string[]>();
  const visit = (folder: string): void => {
    const path = join(root, folder, 'tsconfig.json');
    if (seen.has(folder) || !existsSync(path)) return;
    const project = JSON.parse(readFileSync(path, 'utf8')) as ProjectFile;
    seen.set(
      folder,
      (project.include ?? []).map((part) => posix.join(folder, part)),
    );
    for (const reference of project.references ?? []) visit(posix.join(folder, reference.path));
  };
  visit('.');
  return [...seen.values()].flat();
}
