import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../command.ts';
import type { Checker, Finding } from './checker.ts';

const templateFolder = 'packages/wire';
const template = /^buf\.gen(\.\w+)?\.yaml$/;
const generatedFolder = 'packages/wire/src/gen';

/** The committed generated code is what the generator makes of the committed protobuf files. */
export const generated: Checker = {
  name: 'generated',
  what: 'buf generate into a temporary folder, compared',
  async check(root) {
    const fresh = mkdtempSync(join(tmpdir(), 'rampart-generated-'));
    try {
      for (const name of readdirSync(join(root, templateFolder)).filter((entry) => template.test(entry))) {
        const file = `${templateFolder}/${name}`;
        const run = await runCommand('buf', ['generate', '--template', file, '--output', fresh], { cwd: root });
        if (run.code !== 0) {
          const message = `${run.stdout}${run.stderr}`.trim();
          return { files: 0, findings: [{ file, line: 0, rule: 'buf', message }] };
        }
      }
      return compare(join(fresh, generatedFolder), join(root, generatedFolder));
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  },
};

function compare(fresh: string, committed: string): { files: number; findings: Finding[] } {
  const expected = filesOf(fresh);
  const present = filesOf(committed);
  const findings = expected.flatMap((name) => {
    if (!present.includes(name)) return [problem(name, 'missing', 'generated, but not committed')];
    const same = readFileSync(join(fresh, name)).equals(readFileSync(join(committed, name)));
    return same ? [] : [problem(name, 'stale', 'differs from what its protobuf file gives')];
  });
  const orphans = present.filter((name) => !expected.includes(name));
  return {
    files: expected.length,
    findings: [...findings, ...orphans.map((name) => problem(name, 'orphan', 'no protobuf file gives this'))],
  };
}

function filesOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function problem(name: string, rule: string, message: string): Finding {
  return { file: `${generatedFolder}/${name}`, line: 0, rule, message: `${message}: \`npm run generate\` mends it` };
}
