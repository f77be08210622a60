/** What a process serves as, for long. */
export type ServingAs = 'sidecar' | 'control-plane';

interface Lean {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const LEAN: Readonly<Record<ServingAs, Lean>> = {
  sidecar: {
    /**
     * A young generation of 2 × 2 MB instead of 2 × 16, and an old one that is collected when it has doubled. What bytes of
     * connections lie in counts as growth, too, until the young generation is collected: with 4 MB and 30 % every few hundred
     * requests with a body brought a collection of everything, which was half of what a sidecar did.
     */
    flags: ['--max-semi-space-size=2', '--heap-growing-percent=100'],
    /** One arena of malloc instead of one for each thread, given back when 128 KiB of it are free (mallopt(3)). */
    environment: { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' },
  },
  'control-plane': {
    /**
     * Each certificate leaves dozens of byte arrays and three objects of OpenSSL behind, which are freed one by one: a collection of
     * the young generation lasts the longer the larger that is, whatever survives. With V8's own bound it kept callers waiting for
     * 20 ms now and then, with this one for 4, and certificates cost the same.
     */
    flags: ['--max-semi-space-size=8'],
    environment: {},
  },
};

/** Names what was added to the environment, so that it can be taken out again. */
const MARK = 'RAMPART_LEAN_PROCESS';

/** What a process that serves for long is started with to need little memory. What its operator has said himself stays. */
export interface LeanStart {
  readonly execArgv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function leanStart(
  servingAs: ServingAs,
  { execArgv, env: environment }: { readonly execArgv: readonly string[]; readonly env: Environment },
): LeanStart {
  const said = new Set([...execArgv, ...(environment['NODE_OPTIONS'] ?? '').split(' ')].map(nameOf));
  const flags = LEAN[servingAs].flags.filter((flag) => !said.has(nameOf(flag)));
  const added = Object.entries(LEAN[servingAs].environment).filter(([name]) => environment[name] === undefined);
  return {
    execArgv: [...flags, ...execArgv],
    environment: { ...environment, ...Object.fromEntries(added), [MARK]: added.map(([name]) => name).join(',') },
  };
}

/** V8 takes either way of writing the names of its flags. */
function nameOf(flag: string): string {
  return (flag.split('=', 1)[0] ?? '').replaceAll('_', '-');
}

/** Takes what `leanStart` added out of an environment again: it is for this process, not for those that it starts. */
export function forgetLeanStart(environment: Record<string, string | undefined>): boolean {
  const mark = environment[MARK];
  if (mark === undefined) return false;
  for (const name of [MARK, ...mark.split(',')]) Reflect.deleteProperty(environment, name);
  return true;
}

/**
 * Starts this program again in the place of itself, with the same process id (execve(2)). Returns where it is lean
 * already, where the system cannot do that, and where another Node process talks to this one.
 */
export function becomeLean(host: NodeJS.Process, servingAs: ServingAs, wasLean: boolean): void {
  if (wasLean || host.platform === 'win32' || host.send !== undefined || host.execve === undefined) return;
  const { execArgv, environment } = leanStart(servingAs, host);
  const defined = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
  try {
    host.execve(host.execPath, [host.execPath, ...execArgv, ...host.argv.slice(1)], Object.fromEntries(defined));
  } catch {
    // Node's permission model may forbid it: memory is no reason not to serve.
  }
}
