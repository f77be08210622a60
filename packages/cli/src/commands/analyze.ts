import { RampartError, resourceKey, type Resource } from '@rampart/core';
import {
  analyze,
  type Analysis,
  type AnalyzedMeshParts,
  type KnownWorkload,
  knownWorkloads,
  LINTS,
  parseWorkloads,
  type Severity,
} from '@rampart/core/analysis';
import { type Command, Option } from 'commander';
import { closest } from '../arguments/closest.ts';
import { collectText } from '../arguments/pair.ts';
import { type DocumentSet, readDocuments, readTexts, requireResources } from '../documents/document-set.ts';
import { reportRefusal } from '../documents/refusal.ts';
import { EXIT } from '../exit-code.ts';
import { observeLiveMesh, ROOT_NAMESPACE } from '../mesh/live-mesh.ts';
import type { ObservedMesh } from '../mesh/mesh-view.ts';
import { findingData, type PlacedFinding, renderFindings } from '../views/findings.ts';
import { renderProblem } from '../views/problem-line.ts';
import { renderSarif } from '../views/sarif.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

interface AnalyzeOptions {
  readonly filename?: readonly string[];
  readonly withMesh?: boolean;
  readonly workloads?: string;
  readonly namespace?: string;
  readonly ignore?: readonly string[];
  readonly failOn: Severity | 'never';
  readonly trustDomain: string;
  readonly rootNamespace: string;
}

const FAIL_ON = ['error', 'warning', 'info', 'never'] as const;

export function defineAnalyze(parent: Command, shell: Shell): void {
  parent
    .command('analyze')
    .description('what is wrong, risky or pointless in the policies of the mesh, or of files (also -o sarif)')
    .option('-f, --filename <file>', 'look at these files alone, without a control plane; may be repeated', collectText)
    .option('--with-mesh', 'with -f: look at the running mesh as if the files were applied to it')
    .option('--workloads <file>', 'with -f: file that names the workloads there are, such as one of policy tests')
    .option('-n, --namespace <name>', 'with -f: namespace of resources that name none (default: default)')
    .option('--ignore <lint>', 'leave out a lint, by code or name; may be repeated', collectText)
    .addOption(new Option('--fail-on <severity>', 'exit 1 from this severity on').choices(FAIL_ON).default('error'))
    .option('--trust-domain <name>', 'with -f: trust domain of the mesh', 'cluster.local')
    .option('--root-namespace <name>', 'with -f: namespace whose policies hold for the whole mesh', ROOT_NAMESPACE)
    .addHelpText(
      'after',
      examples(
        ['rampart analyze', 'the running mesh'],
        ['rampart analyze -f policies/ --fail-on warning', 'files, in a pipeline'],
        ['rampart analyze -f policies/ --with-mesh', 'files, with the services that are running'],
        ['rampart analyze -f policies/ -o sarif > rampart.sarif', 'for code scanning'],
      ),
    )
    .action((options: AnalyzeOptions, command: Command) =>
      shell.run(command, (invocation) => runAnalysis(options, invocation), ['sarif']),
    );
}

async function runAnalysis(options: AnalyzeOptions, invocation: Invocation): Promise<number> {
  const { io } = invocation;
  checkIgnored(options.ignore);
  const set =
    options.filename === undefined
      ? undefined
      : await readDocuments(options.filename, { io, namespace: options.namespace });
  if (set?.refused === true) return reportRefusal(set.problems, invocation, 'nothing was looked at');
  if (set !== undefined) requireResources(set, 'analyze');
  const isLive = set === undefined || options.withMesh === true;
  const mesh = isLive ? await invocation.withAdmin((client) => observeLiveMesh(client, io.clock.now())) : undefined;
  const workloads = options.workloads === undefined ? undefined : await workloadsIn(options.workloads, options, io);
  const analysis = analyze(partsOf(options, { set, mesh, workloads }), options.ignore);
  const findings = placed(analysis, set);
  showFindings({ ...analysis, findings }, { invocation, file: set?.documents[0]?.file });
  return fails(findings, options.failOn) ? EXIT.no : EXIT.ok;
}

interface Sources {
  readonly set: DocumentSet | undefined;
  readonly mesh: ObservedMesh | undefined;
  readonly workloads: readonly KnownWorkload[] | undefined;
}

/** Workloads that a file names; throws INVALID_ARGUMENT with the place of its first mistake. */
async function workloadsIn(
  name: string,
  { trustDomain }: AnalyzeOptions,
  io: Invocation['io'],
): Promise<readonly KnownWorkload[]> {
  const [{ file, text } = { file: name, text: '' }] = await readTexts(name, io);
  const { value, problems } = parseWorkloads(text, file);
  const problem = problems.find(({ severity }) => severity === 'error');
  if (problem !== undefined) throw new RampartError('INVALID_ARGUMENT', renderProblem(problem));
  return value === undefined ? [] : knownWorkloads(value, trustDomain);
}

function partsOf(options: AnalyzeOptions, { set, mesh, workloads: named }: Sources): AnalyzedMeshParts {
  const { trustDomain, rootNamespace } = options;
  if (mesh === undefined) return { resources: set?.resources ?? [], trustDomain, rootNamespace, workloads: named };
  const { facts, workloads, identities, state } = mesh;
  return {
    ...facts,
    resources: overlaid(facts.resources, set?.resources ?? []),
    workloads: [...workloads, ...(named ?? [])],
    identities,
    state,
  };
}

/** What the mesh would hold once the files are applied. */
function overlaid(there: readonly Resource[], files: readonly Resource[]): readonly Resource[] {
  const replaced = new Set(files.map(resourceKey));
  return [...there.filter((resource) => !replaced.has(resourceKey(resource))), ...files];
}

/** Findings in the order of their files, then those of no file. */
function placed({ findings }: Analysis, set: DocumentSet | undefined): readonly PlacedFinding[] {
  const found = findings.map((finding): PlacedFinding => {
    const place = finding.resource === undefined ? undefined : set?.placeOf(finding.resource, finding.field);
    return { ...finding, place };
  });
  const inFiles = found.filter(({ place }) => place !== undefined).toSorted(byPlace);
  return [...inFiles, ...found.filter(({ place }) => place === undefined)];
}

function byPlace({ place: a }: PlacedFinding, { place: b }: PlacedFinding): number {
  if (a === undefined || b === undefined) return 0;
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

interface PlacedAnalysis extends Analysis {
  readonly findings: readonly PlacedFinding[];
}

/** A slip in the name of a lint must not bring back what it finds, nor hide that it does. */
function checkIgnored(ignored: readonly string[] = []): void {
  const known = LINTS.flatMap(({ code, name }) => [code, name]);
  const wrong = ignored.find((word) => !known.includes(word));
  if (wrong === undefined) return;
  const near = closest(wrong, known);
  const advice = near === undefined ? 'findings end with the code and the name of theirs' : `did you mean ${near}?`;
  throw new RampartError('INVALID_ARGUMENT', `--ignore ${JSON.stringify(wrong)} is no lint; ${advice}`);
}

interface Shown {
  readonly invocation: Invocation;
  /** What findings of no file are put to in forms that need one. */
  readonly file: string | undefined;
}

function showFindings({ findings, unchecked }: PlacedAnalysis, { invocation, file }: Shown): void {
  const { show, palette } = invocation;
  show({
    data: () => ({ findings: findings.map(findingData), unchecked }),
    table: () => renderFindings(findings, unchecked, palette),
    special: { sarif: () => renderSarif(findings, { unchecked, file }) },
  });
}

function fails(findings: readonly PlacedFinding[], failOn: AnalyzeOptions['failOn']): boolean {
  if (failOn === 'never') return false;
  const failing = FAIL_ON.indexOf(failOn);
  return findings.some(({ severity }) => FAIL_ON.indexOf(severity) <= failing);
}
