import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commandBlocks } from '../docs/blocks.ts';
import { writtenFiles } from '../repository.ts';
import type { Checker, Finding } from './checker.ts';

const repositoryPapers = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'LICENSE',
  'docs/architecture.md',
];

/** Command blocks can be run or say why not, links lead somewhere, and nothing that ships is without its paper. */
export const documentation: Checker = {
  name: 'documentation',
  what: 'Markdown: command blocks, links, READMEs',
  check(root) {
    const files = writtenFiles(root, ['.md']);
    const findings: Finding[] = files.flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return [...commandBlocks(file, text).problems, ...deadLinks(root, file, text)];
    });
    return Promise.resolve({ files: files.length, findings: [...findings, ...missingPapers(root)] });
  },
};

/** `dead-link`: a relative link or picture that leads to no file. */
function deadLinks(root: string, file: string, text: string): Finding[] {
  let fenced = false;
  return text.split('\n').flatMap((line, index) => {
    if (line.startsWith('```')) fenced = !fenced;
    if (fenced) return [];
    const targets = [...line.matchAll(/\]\((?<target>[^)\s]+)\)/g)].map((match) => match.groups?.['target'] ?? '');
    return targets
      .filter((target) => !/^(?:[a-z]+:|#)/.test(target))
      .filter((target) => !existsSync(join(root, dirname(file), target.replace(/#.*$/, ''))))
      .map((target) => ({ file, line: index + 1, rule: 'dead-link', message: `${target} does not exist` }));
  });
}

/** `missing-paper`: a repository has its papers, a package its README. */
function missingPapers(root: string): Finding[] {
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`);
  return [
    ...repositoryPapers,
    ...packages,
    'bench/README.md',
    'examples/shop/README.md',
    'test/README.md',
    'tools/README.md',
  ]
    .filter((file) => !existsSync(join(root, file)))
    .map((file) => ({ file, line: 0, rule: 'missing-paper', message: 'has to be written' }));
}
