import type { Cursor } from '../../resource/cursor.ts';
import { DEFAULT_NAMESPACE, DEFAULT_ROOT_NAMESPACE, readResource } from '../../resource/parse.ts';
import type { FieldPath, ResourceProblem } from '../../resource/problem.ts';
import type { Resource } from '../../resource/resource.ts';
import { readPlaced, type PlacedDocument } from './placed-document.ts';
import { readCase, type DraftCase } from './read-case.ts';
import { readWorkloads } from './read-workloads.ts';
import type { PolicyTestSuite, WorkloadsByService } from './suite.ts';

/** The kind that a file of policy tests says it is. */
const KIND = 'PolicyTest';
const API_VERSION = 'rampart.dev/v1';

interface MeshFields {
  readonly trustDomain: string;
  readonly rootNamespace: string;
}

interface NamedFile {
  readonly name: string;
  readonly path: FieldPath;
}

interface Policies {
  readonly files: readonly NamedFile[];
  readonly resources: readonly Resource[];
}

interface SuiteFields {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: object;
  readonly mesh: Partial<MeshFields>;
  readonly policies: Policies;
  readonly workloads: WorkloadsByService;
  readonly tests: readonly DraftCase[];
}

export interface ParsedSuite {
  /** Undefined when any problem is an error. */
  readonly suite: PolicyTestSuite | undefined;
  readonly problems: readonly ResourceProblem[];
}

/** Reads a file of policy tests; every problem is listed with its place. */
export function parsePolicyTests(text: string, file: string): ParsedSuite {
  const { value, problems, placeOf } = readPlaced(text, file, readSuite);
  if (value === undefined) return { suite: undefined, problems };
  const { mesh = {}, policies = { files: [], resources: [] }, tests = [] } = value;
  const suite = {
    file,
    policyFiles: policies.files.map(({ name, path }) => ({ name, ...placeOf(path) })),
    policies: policies.resources,
    trustDomain: mesh.trustDomain ?? 'cluster.local',
    rootNamespace: mesh.rootNamespace ?? DEFAULT_ROOT_NAMESPACE,
    tests: tests.map(({ path, ...test }) => ({ ...test, ...placeOf(path) })),
  };
  return { suite, problems };
}

/** Reads the workloads of a file that holds `workloads:`, such as one of policy tests. */
export function parseWorkloads(text: string, file: string): PlacedDocument<WorkloadsByService> {
  return readPlaced(text, file, (at) => {
    if (at.keys() === undefined) return undefined;
    if (at.child('workloads').value === undefined) return at.error('has no workloads: add them by service');
    return readWorkloads(at.child('workloads'));
  });
}

function readSuite(at: Cursor): Partial<SuiteFields> | undefined {
  const mesh = at.child('mesh').value === undefined ? {} : (readMesh(at.child('mesh')) ?? {});
  const { trustDomain = 'cluster.local', rootNamespace = DEFAULT_ROOT_NAMESPACE } = mesh;
  const hasWorkloads = at.child('workloads').value !== undefined;
  const workloads = hasWorkloads ? readWorkloads(at.child('workloads')) : undefined;
  const fields = at.fields<SuiteFields>({
    apiVersion: (field) => field.word([API_VERSION]),
    kind: (field) => field.word([KIND]),
    metadata: (field) => field.fields<{ readonly name: string }>({ name: (name) => name.text() }),
    mesh: () => mesh,
    policies: (field) => readPolicies(field, rootNamespace),
    workloads: () => workloads,
    tests: (field) => readTests(field, { trustDomain, workloads }),
  });
  if (fields === undefined) return undefined;
  for (const required of ['apiVersion', 'kind'] as const) {
    const expected = required === 'kind' ? KIND : API_VERSION;
    if (at.child(required).value === undefined) at.error(`has no ${required}: add ${required}: ${expected}`);
  }
  if (at.child('tests').value === undefined) at.error('has no tests: add them');
  return fields;
}

function readMesh(at: Cursor): Partial<MeshFields> | undefined {
  return at.fields<MeshFields>({
    trustDomain: (field) => field.text(),
    rootNamespace: (field) => field.text(),
  });
}

function readTests(at: Cursor, context: Parameters<typeof readCase>[1]): readonly DraftCase[] | undefined {
  const tests = at.list((item) => readCase(item, context), 'a list of tests');
  return at.items('a list of tests')?.length === 0 ? at.error('must hold at least one test') : tests;
}

/** Each is the name of a file, or a resource written out. */
function readPolicies(at: Cursor, rootNamespace: string): Policies | undefined {
  const files: NamedFile[] = [];
  const resources: Resource[] = [];
  for (const item of at.items('a list of policies, each { file: name } or a resource') ?? []) {
    if (item.child('file').value === undefined) {
      const resource = readResource(item, { defaultNamespace: DEFAULT_NAMESPACE, rootNamespace });
      if (resource !== undefined) resources.push(resource);
      continue;
    }
    const name = item.fields<{ readonly file: string }>({ file: (field) => field.text('the name of a file') })?.file;
    if (name !== undefined) files.push({ name, path: item.path });
  }
  return { files, resources };
}
