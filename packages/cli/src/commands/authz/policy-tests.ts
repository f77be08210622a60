import { dirname, join } from 'node:path';
import { RampartError, type Resource } from '@rampart/core';
import { parsePolicyTests, type PolicyTestSuite, runPolicyTests, type SuiteResult } from '@rampart/core/analysis';
import type { Command } from 'commander';
import { collectText } from '../../arguments/pair.ts';
import { type DocumentText, readDocuments, readTexts } from '../../documents/document-set.ts';
import { problemData } from '../../documents/refusal.ts';
import { EXIT } from '../../exit-code.ts';
import { renderJunit } from '../../views/policy-tests/junit.ts';
import { renderTestResults, testResultsData } from '../../views/policy-tests/report.ts';
import { renderTap } from '../../views/policy-tests/tap.ts';
import { type DocumentProblem, renderProblem } from '../../views/problem-line.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

interface TestOptions {
  readonly filename?: readonly string[];
}

export function definePolicyTests(parent: Command, shell: Shell): void {
  parent
    .command('test')
    .description('unit tests for policies: requests and the decisions they must get (also -o tap, -o junit)')
    .argument('<file...>', 'file of tests, directory of files named *.test.yaml, or - for standard input')
    .option('-f, --filename <file>', 'further policies for every test; may be repeated', collectText)
    .addHelpText(
      'after',
      examples(
        ['rampart authz test policies.test.yaml', 'one file'],
        ['rampart authz test tests/ -o junit > policies.xml', 'in a pipeline'],
        ['rampart authz test tests/ -f policies/', 'tests of policies that stand elsewhere'],
      ),
    )
    .action((files: readonly string[], options: TestOptions, command: Command) =>
      shell.run(command, (invocation) => runTests(files, options, invocation), ['tap', 'junit']),
    );
}

async function runTests(files: readonly string[], options: TestOptions, invocation: Invocation): Promise<number> {
  const { io, palette, show } = invocation;
  const texts = (await Promise.all(files.map((file) => testsIn(file, io)))).flat();
  const problems: DocumentProblem[] = [];
  const results: SuiteResult[] = [];
  for (const text of texts) {
    const judged = await judgeFile(text, options, invocation);
    problems.push(...judged.problems);
    if (judged.result !== undefined) results.push(judged.result);
  }
  if (problems.some(({ severity }) => severity === 'error')) return refuse(problems, invocation);
  for (const warning of problems) invocation.note(renderProblem(warning));
  show({
    data: () => testResultsData(results),
    table: () => renderTestResults(results, palette),
    special: { tap: () => renderTap(results), junit: () => renderJunit(results) },
  });
  const failed = results.some(({ cases }) => cases.some(({ failures }) => failures.length > 0));
  return failed ? EXIT.no : EXIT.ok;
}

const TEST_NAME = /\.test\.(?:ya?ml|json)$/;

/** A directory may hold policies beside their tests. */
async function testsIn(name: string, io: Invocation['io']): Promise<readonly DocumentText[]> {
  const texts = await readTexts(name, io);
  const isDirectory = name !== '-' && texts.some(({ file }) => file !== name);
  const tests = isDirectory ? texts.filter(({ file }) => TEST_NAME.test(file)) : texts;
  if (tests.length > 0) return tests;
  throw new RampartError('INVALID_ARGUMENT', `no file named *.test.yaml in the directory ${name}`);
}

interface JudgedFile {
  /** Undefined when the tests or their policies were refused. */
  readonly result: SuiteResult | undefined;
  readonly problems: readonly DocumentProblem[];
}

async function judgeFile({ file, text }: DocumentText, options: TestOptions, { io }: Invocation): Promise<JudgedFile> {
  const { suite, problems } = parsePolicyTests(text, file);
  if (suite === undefined) return { result: undefined, problems };
  const policies = await policiesOf(suite, options, io);
  const all = [...problems, ...policies.problems];
  const isRefused = all.some(({ severity }) => severity === 'error');
  return { result: isRefused ? undefined : runPolicyTests(suite, policies.resources), problems: all };
}

interface Policies {
  readonly resources: readonly Resource[];
  readonly problems: readonly DocumentProblem[];
}

/** Policies of the files that a test names, relative to itself, and of those on the command line. */
async function policiesOf(
  { file, policyFiles }: PolicyTestSuite,
  { filename = [] }: TestOptions,
  io: Invocation['io'],
): Promise<Policies> {
  const resources: Resource[] = [];
  const problems: DocumentProblem[] = [];
  for (const { name, line, column } of policyFiles) {
    try {
      const set = await readDocuments([join(dirname(file), name)], { io, namespace: undefined });
      resources.push(...set.resources);
      problems.push(...set.problems);
    } catch (error) {
      if (!(error instanceof RampartError)) throw error;
      problems.push({ severity: 'error', code: error.code, message: error.message, file, line, column, field: '' });
    }
  }
  const further = filename.length === 0 ? undefined : await readDocuments(filename, { io, namespace: undefined });
  return {
    resources: [...resources, ...(further?.resources ?? [])],
    problems: [...problems, ...(further?.problems ?? [])],
  };
}

/** Lists every problem; no test is run when one file cannot be. */
function refuse(problems: readonly DocumentProblem[], { io, globals, renderData }: Invocation): number {
  const { length } = problems.filter(({ severity }) => severity === 'error');
  const message = `refused for ${length} problem${length === 1 ? '' : 's'}; no test was run`;
  if (globals.output === 'table') {
    io.stderr.write(`${problems.map((problem) => `${renderProblem(problem)}\n`).join('')}error: ${message}\n`);
  } else {
    const error = { code: 'INVALID_RESOURCE', message, problems: problems.map(problemData) };
    io.stdout.write(renderData({ error }));
  }
  return EXIT.no;
}
