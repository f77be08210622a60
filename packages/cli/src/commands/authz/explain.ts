import type { Callee, ServiceName } from '@rampart/core';
import { accessMatrix } from '@rampart/core/analysis';
import type { Command } from 'commander';
import { parsePort } from '../../arguments/number.ts';
import type { Pairs } from '../../arguments/pair.ts';
import { parseService } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { addFileMeshOptions, type FileMeshOptions, readMesh, refuseFileOptions } from '../../mesh/mesh-options.ts';
import { calleesOf, likelyCallee, type MeshView } from '../../mesh/mesh-view.ts';
import { accessMatrixData, renderAccessMatrix } from '../../views/access-matrix.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

interface ExplainOptions extends FileMeshOptions {
  readonly port?: number;
  readonly toLabel?: Pairs;
}

export function defineExplain(parent: Command, shell: Shell): void {
  const command = parent
    .command('explain')
    .description('who may call a service, through which policy and rule, and what is open to everyone')
    .argument('<service>', 'orders-api, orders-api.default or orders-api.default.svc.cluster.local')
    .option('--port <port>', 'port of the workload (default: that of the service)', parsePort);
  addFileMeshOptions(command)
    .addHelpText(
      'after',
      examples(
        ['rampart authz explain orders-api.shop', 'in the running mesh'],
        ['rampart authz explain orders-api.shop -f policies/', 'as these files would have it'],
      ),
    )
    .action((service: string, options: ExplainOptions, own: Command) =>
      shell.run(own, (invocation) => explain(service, options, invocation)),
    );
}

async function explain(text: string, options: ExplainOptions, invocation: Invocation): Promise<number> {
  const service = parseService(text, options.namespace ?? 'default');
  refuseFileOptions(options);
  const view = await readMesh(options, invocation);
  if (view === undefined) return EXIT.no;
  const matrices = targetsOf(view, service, { options, invocation }).map((callee) =>
    accessMatrix(callee, view.facts, view.workloads),
  );
  const { palette, io } = invocation;
  const style = { palette, trustDomain: view.facts.trustDomain, width: io.stdout.columns };
  invocation.show({
    data: () => matrices.map(accessMatrixData),
    table: () => matrices.map((matrix) => renderAccessMatrix(matrix, style)).join('\n'),
  });
  return EXIT.ok;
}

function targetsOf(
  view: MeshView,
  service: ServiceName,
  { options, invocation }: { readonly options: ExplainOptions; readonly invocation: Invocation },
): readonly Callee[] {
  const { port = 0, toLabel: labels, filename } = options;
  const callees = calleesOf(view, service, port);
  if (callees.length > 0) return callees;
  const likely = likelyCallee(service, { port, ...(labels === undefined ? {} : { labels }) });
  if (filename === undefined) invocation.note(unregisteredHint(likely));
  return [likely];
}

/** What is said when nobody has started the service that is asked about. */
export function unregisteredHint({ service, serviceAccount, labels }: Callee): string {
  const labelled = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return `no instance of ${service.name}.${service.namespace} is registered; judged as service account ${serviceAccount} with ${labelled.length === 0 ? 'no labels' : `label ${labelled.join(',')}`}`;
}
