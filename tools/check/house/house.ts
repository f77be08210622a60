import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writtenFiles } from '../../repository.ts';
import type { Checker, Finding } from '../checker.ts';
import { commentFindings } from './comments.ts';
import { lockfileFindings } from './lockfile.ts';
import { manifestFindings } from './manifests.ts';
import { syntaxFindings } from './syntax.ts';
import { layoutFindings } from './layout.ts';
import { parseSource } from '../source.ts';

/** House rules that oxlint cannot express; each is described beside the code that finds it. */
export const house: Checker = {
  name: 'house',
  what: 'house rules beyond the linter',
  check(root) {
    const sources = writtenFiles(root, ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']);
    const findings: Finding[] = sources.flatMap((path) => {
      const source = parseSource(root, path);
      return [...syntaxFindings(source), ...commentFindings(source)];
    });
    findings.push(...layoutFindings(root));
    for (const path of writtenFiles(root, ['package.json'])) {
      findings.push(...manifestFindings(path, readFileSync(join(root, path), 'utf8')));
    }
    if (existsSync(join(root, 'package-lock.json'))) {
      findings.push(...lockfileFindings(readFileSync(join(root, 'package-lock.json'), 'utf8')));
    }
    return Promise.resolve({ files: sources.length, findings });
  },
};
