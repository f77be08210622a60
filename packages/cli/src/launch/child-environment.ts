import type { ProgramKind } from './program-kind.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a service needs to come into the mesh. */
export interface MeshEntry {
  /** File URL of the module that is loaded before the service. */
  readonly registerUrl: string;
  /** "https://127.0.0.1:8443". */
  readonly address: string;
  readonly caFile: string;
  /** What it shows for its identity: a join token, or what the variables of attestation say. */
  readonly evidence: Environment;
}

/**
 * The environment of a service inside the mesh. The token goes here and never on the command line, which every user of the
 * machine can read.
 */
export function childEnvironment(
  base: Environment,
  entry: MeshEntry,
  program: ProgramKind,
): Record<string, string | undefined> {
  return {
    ...base,
    RAMPART_CONTROL_PLANE: entry.address,
    RAMPART_CA_FILE: entry.caFile,
    RAMPART_JOIN_TOKEN: undefined,
    ...entry.evidence,
    ...loaderVariables(withImport(base['NODE_OPTIONS'], entry.registerUrl), program),
  };
}

// npm's and pnpm's own "node-options" setting reaches the scripts they start, but not themselves.
function loaderVariables(nodeOptions: string, program: ProgramKind): Record<string, string> {
  if (program === 'package-manager')
    return { npm_config_node_options: nodeOptions, pnpm_config_node_options: nodeOptions };
  return { NODE_OPTIONS: nodeOptions };
}

function withImport(options: string | undefined, registerUrl: string): string {
  const load = `--import=${registerUrl}`;
  if (options === undefined || options.trim() === '') return load;
  return options.includes(load) ? options : `${options} ${load}`;
}
