import type { Command } from 'commander';
import { collectLabel, collectText } from '../arguments/pair.ts';
import { readDocuments } from '../documents/document-set.ts';
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
    .option('--trust-domain <name>', 'with -f: trust domain of the mesh', 'cluster.local')
    .option('--root-namespace <name>', 'with -f: namespace whose policies hold for the whole mesh', ROOT_NAMESPACE);
}

/** The mesh that the options name; undefined when its files were refused, which has been reported by then. */
export async function readMesh(options: FileMeshOptions, invocation: Invocation): Promise<MeshView | undefined> {
  if (options.filename === undefined) return invocation.withAdmin(readLiveMesh);
  const { trustDomain, rootNamespace } = options;
  const place = { namespace: options.namespace, rootNamespace };
  const set = await readDocuments(options.filename, { io: invocation.io, ...place });
  if (set.refused) {
    reportRefusal(set.problems, invocation);
    return undefined;
  }
  return { facts: { resources: set.resources, trustDomain, rootNamespace }, workloads: [] };
}
