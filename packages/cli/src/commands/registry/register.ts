import { RampartError, serviceHost } from '@rampart/core';
import { RegistryService } from '@rampart/wire';
import type { Command } from 'commander';
import { parseDuration } from '../../arguments/duration.ts';
import { parseWeight } from '../../arguments/number.ts';
import { collectLabel, collectText, type Pairs } from '../../arguments/pair.ts';
import { type Place, parsePlace } from '../../arguments/place.ts';
import { parseService } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { type CheckArgument, collectCheck } from './check-argument.ts';
import { addressOf, healthOf, instanceData } from './instance-view.ts';
import { collectMetadata } from './metadata.ts';

interface RegisterOptions {
  readonly at: string;
  readonly namespace: string;
  readonly instance?: string;
  readonly protocol: string;
  readonly spiffeId: string;
  readonly label?: Pairs;
  readonly tag?: readonly string[];
  readonly meta?: Pairs;
  readonly weight?: number;
  readonly locality?: Place;
  readonly serviceVersion: string;
  readonly check?: readonly CheckArgument[];
  readonly checksByAgent: boolean;
  readonly interval?: number;
  readonly deregisterAfter?: number;
  readonly lease?: number;
}

/** `rampart registry register`: for what is outside of the mesh; workloads of the mesh register by themselves. */
export function defineRegister(parent: Command, shell: Shell): void {
  parent
    .command('register')
    .description(
      'register an instance by hand: what is outside of the mesh (workloads of the mesh register themselves)',
    )
    .argument('<service>', 'name of the service: database, or database.prod')
    .requiredOption('--at <host:port>', 'where it answers: 10.0.0.7:5432, [fd00::7]:5432 or db.internal:5432')
    .option('-n, --namespace <name>', 'namespace of a short name', 'default')
    .option('--instance <id>', 'id of the instance, unique in the mesh (default: <service>-<host>-<port>)')
    .option('--protocol <name>', 'http, tcp, grpc …', 'http')
    .option('--spiffe-id <id>', 'SPIFFE ID that must answer there, if it is of the mesh', '')
    .option('-l, --label <key=value>', 'label; may be repeated', collectLabel)
    .option('--tag <tag>', 'tag; may be repeated', collectText)
    .option('--meta <key=value>', 'metadata; may be repeated', collectMetadata)
    .option('--weight <number>', 'how much it is given beside others (default: 1)', parseWeight)
    .option('--locality <region[/zone]>', 'where it runs', parsePlace)
    .option('--service-version <version>', 'version of what it serves', '')
    .option('--check <check>', 'http:/path, https:/path, tcp, grpc[:service], ttl:30s; may be repeated', collectCheck)
    .option('--checks-by-agent', 'checks are run by the agent of its host, and not by the control plane', false)
    .option('--interval <duration>', 'between two runs of each check (default: 10s)', parseDuration)
    .option('--deregister-after <duration>', 'deregister it when it was critical for that long', parseDuration)
    .option(
      '--lease <duration>',
      'how long it stays unless registered again (default: until deregistered)',
      parseDuration,
    )
    .addHelpText(
      'after',
      examples(
        ['rampart registry register database --at 10.0.0.7:5432 --protocol tcp --check tcp', 'with a health check'],
        ['rampart registry register search --at 10.0.0.9:80 --check http:/health --weight 3', 'three times the share'],
      ),
    )
    .action((service: string, options: RegisterOptions, command: Command) =>
      shell.run(command, (invocation) => register(service, options, invocation)),
    );
}

async function register(text: string, options: RegisterOptions, { withService, show }: Invocation): Promise<number> {
  const { name: service, namespace } = parseService(text, options.namespace);
  const { host, port } = parseAddress(options.at);
  const { instance: id = `${service}-${host}-${port}`, protocol, spiffeId, label = {}, tag = [], meta = {} } = options;
  const {
    weight,
    locality,
    serviceVersion: version,
    check = [],
    checksByAgent,
    interval,
    deregisterAfter,
    lease,
  } = options;
  const request = {
    instanceId: id,
    service,
    namespace,
    host,
    port,
    protocol,
    spiffeId,
    labels: { ...label },
    tags: [...tag],
    metadata: { ...meta },
    ...(weight === undefined ? {} : { weights: { passing: weight, warning: 1 } }),
    ...(locality === undefined ? {} : { locality }),
    version,
    checks: check.map((one) => ({ ...one, intervalMs: BigInt(interval ?? 0), byAgent: checksByAgent })),
    deregisterCriticalAfterMs: BigInt(deregisterAfter ?? 0),
    leaseMs: BigInt(lease ?? 0),
    permanent: lease === undefined,
  };
  const { instance } = await withService(RegistryService, (client) => client.register({ instance: request }));
  if (instance === undefined) throw new RampartError('INTERNAL', 'BUG: an answer without an instance');
  const where = serviceHost({ name: service, namespace });
  show({
    data: () => instanceData(instance),
    table: () => `${instance.instanceId} is registered: ${where} at ${addressOf(instance)}, ${healthOf(instance)}\n`,
  });
  return EXIT.ok;
}

function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined) return { host, port: Number(port) };
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(text)} is not an address with a port; write 10.0.0.7:5432, [fd00::7]:5432 or db.internal:5432`,
  );
}
