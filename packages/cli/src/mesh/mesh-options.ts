import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { collectLabel, collectText, type Pairs } from '../arguments/pair.ts';
import { readDocuments, requireResources } from '../documents/document-set.ts';
import { reportRefusal } from '../documents/refusal.ts';
import type { Invocation } from '../shell.ts';
import { readLiveMesh, ROOT_NAMESPACE } from './live-mesh.ts';
import type { MeshView } from './mesh-view.ts';

/** Options of commands that ask the running mesh, or files alone. */
export interface FileMeshOptions {
  readonly filename?: readonly string[];
  readonly namespace?: string;
  readonly trustDomain: string;
  readonly rootNamespace: string;
}

/** Declares `-f` and what goes with it. */
export function addFileMeshOptions(command: Command): Command {
  return command
    .option(
      '-n, --namespace <name>',
      'namespace of a short service name, and of resources in files that name none (default: default)',
    )
    .option(
      '-f, --filename <file>',
      'judge by these files alone, without a control plane; may be repeated',
      collectText,
    )
    .option(
      '--to-label <key=value>',
      'with -f: label of the called workload, may be repeated (default: app=<service>)',
      collectLabel,
    )
    .option('--trust-domain <name>', 'with -f: trust domain of the mesh', TRUST_DOMAIN)
    .option('--root-namespace <name>', 'with -f: namespace whose policies hold for the whole mesh', ROOT_NAMESPACE);
}

const TRUST_DOMAIN = 'cluster.local';

/** Throws INVALID_ARGUMENT for an option that says what a running mesh knows better: it would be passed over. */
export function refuseFileOptions(options: FileMeshOptions & { readonly toLabel?: Pairs }): void {
  if (options.filename !== undefined) return;
  const given = [
    ['--to-label', options.toLabel !== undefined, 'labels are those of the registered instances'],
    ['--trust-domain', options.trustDomain !== TRUST_DOMAIN, 'it has a trust domain'],
    ['--root-namespace', options.rootNamespace !== ROOT_NAMESPACE, `its root namespace is ${ROOT_NAMESPACE}`],
  ] as const;
  const wrong = given.find(([, isGiven]) => isGiven);
  if (wrong === undefined) return;
  const [option, , known] = wrong;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${option} is for files: give them with -f; in the running mesh, ${known}`,
  );
}

/** The mesh that the options name; undefined when its files were refused, which has been reported by then. */
export async function readMesh(options: FileMeshOptions, invocation: Invocation): Promise<MeshView | undefined> {
  if (options.filename === undefined) {
    return invocation.withAdmin((client) => readLiveMesh(client, invocation.io.clock.now()));
  }
  const { trustDomain, rootNamespace } = options;
  const place = { namespace: options.namespace, rootNamespace };
  const set = await readDocuments(options.filename, { io: invocation.io, ...place });
  if (set.refused) {
    reportRefusal(set.problems, invocation, 'nobody was asked');
    return undefined;
  }
  requireResources(set, 'judge by');
  return { facts: { resources: set.resources, trustDomain, rootNamespace }, workloads: [] };
}
