import { type InstanceEvent, RegistryService, type WatchInstancesResponse } from '@rampart/wire';
import type { Command } from 'commander';
import { parseRegistryRevision } from '../../arguments/number.ts';
import { parseService } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { addressOf, healthOf, instanceData } from './instance-view.ts';

interface WatchOptions {
  readonly namespace?: string;
  readonly from?: bigint;
}

// Connect takes 0 for no time limit.
const NO_LIMIT = 0;

export function defineWatch(parent: Command, shell: Shell): void {
  parent
    .command('watch')
    .description('everything that is registered, and then one line a change until Ctrl-C')
    .argument('[service]', 'only this service: orders-api, or orders-api.default')
    .option('-n, --namespace <name>', 'only this namespace; of a short name: default unless given')
    .option(
      '--from <revision>',
      'go on after this revision instead of beginning with what is there',
      parseRegistryRevision,
    )
    .addHelpText(
      'after',
      examples(
        ['rampart registry watch', 'everything'],
        ['rampart registry watch orders-api -o json', 'one JSON object a line, for a script'],
      ),
    )
    .action((service: string | undefined, options: WatchOptions, command: Command) =>
      shell.run(command, (invocation) => watch(service, options, invocation)),
    );
}

async function watch(service: string | undefined, options: WatchOptions, invocation: Invocation): Promise<number> {
  const { io, withService } = invocation;
  const stop = new AbortController();
  const release = io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => stop.abort());
  const { namespace = '', from } = options;
  const named = service === undefined ? undefined : parseService(service, namespace === '' ? 'default' : namespace);
  const scope = named === undefined ? { namespace } : { namespace: named.namespace, service: named.name };
  try {
    await withService(RegistryService, async (client) => {
      const request = { ...scope, ...(from === undefined ? {} : { from }) };
      const stream = client.watch(request, { signal: stop.signal, timeoutMs: NO_LIMIT });
      for await (const message of stream) write(message, invocation);
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    release();
  }
  return EXIT.ok;
}

function write({ events }: WatchInstancesResponse, { io, globals }: Invocation): void {
  for (const event of events) io.stdout.write(`${globals.output === 'table' ? lineOf(event) : dataOf(event)}\n`);
}

function lineOf({ revision, event }: InstanceEvent): string {
  const at = revision.toString();
  if (event.case === 'put') {
    const { service, namespace, instanceId } = event.value;
    return `${at}  +  ${service}.${namespace}  ${instanceId}  ${addressOf(event.value)}  ${healthOf(event.value)}`;
  }
  if (event.case === undefined) return at;
  const { service, namespace, instanceId } = event.value;
  return `${at}  -  ${service}.${namespace}  ${instanceId}`;
}

function dataOf({ revision, event }: InstanceEvent): string {
  const at = Number(revision);
  if (event.case === 'put') return JSON.stringify({ revision: at, event: 'put', instance: instanceData(event.value) });
  if (event.case === undefined) return JSON.stringify({ revision: at });
  const { instanceId, service, namespace } = event.value;
  return JSON.stringify({ revision: at, event: 'gone', instance: { instanceId, service, namespace } });
}
