interface Hazard {
  readonly pattern: RegExp;
  readonly why: string;
}

/** What a file of tests may do that others in its process would notice. */
const hazards: readonly Hazard[] = [
  { pattern: /\bprocess\.(?!execPath|platform|pid\b|getuid|arch\b|versions?\b)\w/, why: 'touches the process' },
  { pattern: /\bmock\b/, why: 'replaces what others use' },
  { pattern: /\bglobalThis\b|globalAgent|setGlobalDispatcher|stackTraceLimit/, why: 'changes what is global' },
  { pattern: /\bperformance\./, why: 'measures time' },
  {
    pattern: /'node:(?:child_process|cluster|worker_threads|diagnostics_channel|async_hooks|inspector|v8)'/,
    why: 'starts or watches processes',
  },
  { pattern: /^(?:before|beforeEach|afterEach)\(/m, why: 'prepares every test of its process' },
];

/** Packages that open connections, which one test can leave for the next, or replace functions of Node; and whole systems of many processes. */
const foldersApart: readonly string[] = [
  'packages/agent/',
  'packages/mesh/',
  'packages/node/',
  'packages/proxy/',
  'packages/server/',
  'test/',
  'examples/',
  'bench/',
];

/** Why a file of tests needs a process of its own; undefined when it can share one. `path` is relative to the repository. */
export function reasonToStayApart(path: string, source: string): string | undefined {
  if (foldersApart.some((folder) => path.startsWith(folder)))
    return 'opens connections, replaces functions of Node, or starts processes';
  // Its tests are another file's, so nobody could tell which of several files held none.
  if (!source.includes("'node:test'")) return 'has its tests from elsewhere';
  return hazards.find(({ pattern }) => pattern.test(source))?.why;
}
