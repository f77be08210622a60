import { RampartError } from '@rampart/core';
import type { CaptureRules } from '@rampart/proxy';
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { parsePort } from '../../arguments/number.ts';
import { collectText } from '../../arguments/pair.ts';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

interface RuleOptions {
  readonly redirectPort?: number;
  readonly exemptUser?: readonly number[];
  readonly exemptMark?: readonly number[];
  readonly excludePort?: readonly number[];
  readonly exclude?: readonly string[];
  readonly dnsPort?: number;
  /** 0: not said, as "rampart sidecar" has it. */
  readonly meshPort?: number;
  readonly appPort?: number;
  readonly delete?: boolean;
}

/** `rampart sidecar nftables`: rules that bring connections to a sidecar, for a program that may change them. */
export function defineNftables(parent: Command, shell: Shell): void {
  const nftables = parent
    .command('nftables')
    .description('print rules for nftables that bring connections to a sidecar, for applications without any settings')
    .option('--redirect-port <port>', 'of the sidecar: all that programs of this host open goes there', parsePort)
    .option('--dns-port <port>', 'of the sidecar: questions to any name server go there', parsePort)
    .option('--exempt-user <uid>', 'whose connections are left alone; may be repeated', collectNumber)
    .option('--exempt-mark <number>', 'mark of packets (SO_MARK) that are left alone; may be repeated', collectNumber)
    .option('--exclude-port <port>', 'port that is left alone wherever it is; may be repeated', collectPort)
    .option('--exclude <address>', 'address or CIDR block that is left alone; may be repeated', collectText)
    .option('--mesh-port <port>', 'of the sidecar: what others open to the application goes there', parsePort)
    .option('--app-port <port>', 'of the application: what --mesh-port stands in front of', parsePort)
    .option('--delete', 'print what takes the rules away again')
    .addHelpText(
      'after',
      examples(
        [
          'rampart sidecar nftables --redirect-port 15001 --exempt-user $(id -u rampart) | nft -f -',
          'all but what the user rampart opens goes to its sidecar',
        ],
        [
          'rampart sidecar nftables --redirect-port 15001 --dns-port 15053 --exempt-user 1337 --exclude 10.0.0.0/8',
          'names are asked of it, too; a network is left alone',
        ],
        ['rampart sidecar nftables --mesh-port 8443 --app-port 8000', 'others reach port 8000 through the mesh alone'],
        ['rampart sidecar nftables --delete | nft -f -', 'as it was before'],
      ),
    )
    // What "rampart sidecar" knows by the same name is read there, wherever it stands.
    .action((_: RuleOptions, command: Command) =>
      shell.run(command, (invocation) => {
        refuseOptionsOf(parent, command);
        return printRules(command.optsWithGlobals(), invocation);
      }),
    );
  const everywhere = (): Option[] => parent.parent?.options.filter(({ hidden }) => !hidden) ?? [];
  nftables.configureHelp({ ...parent.configureHelp(), visibleGlobalOptions: everywhere });
}

/** What is only for a sidecar that runs was said by mistake. */
function refuseOptionsOf(parent: Command, command: Command): void {
  const common = new Set(command.options.map((option) => option.attributeName()));
  const strange = parent.options.find((option) => {
    const name = option.attributeName();
    return !common.has(name) && parent.getOptionValueSource(name) === 'cli';
  });
  if (strange === undefined) return;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${strange.long ?? ''} is for running a sidecar; --help shows what nftables takes`,
  );
}

async function printRules(options: RuleOptions, { io, globals, renderData }: Invocation): Promise<number> {
  const { captureRemoval, captureRules } = await import('@rampart/proxy');
  const rules = options.delete === true ? captureRemoval() : captureRules(rulesOf(options));
  io.stdout.write(globals.output === 'table' ? rules : renderData({ rules }));
  return EXIT.ok;
}

function rulesOf(options: RuleOptions): CaptureRules {
  const {
    redirectPort,
    meshPort = 0,
    dnsPort,
    exemptUser = [],
    exemptMark = [],
    excludePort = [],
    exclude = [],
  } = options;
  const { appPort } = options;
  const problem = problemOf(options);
  if (problem !== undefined) throw new RampartError('INVALID_ARGUMENT', problem);
  return {
    exemptUsers: exemptUser,
    exemptMarks: exemptMark,
    ...(redirectPort === undefined
      ? {}
      : { outbound: { port: redirectPort, exceptPorts: excludePort, except: exclude } }),
    ...(meshPort === 0 || appPort === undefined ? {} : { inbound: { port: meshPort, ports: [appPort] } }),
    ...(dnsPort === undefined ? {} : { dnsPort }),
  };
}

function problemOf(options: RuleOptions): string | undefined {
  const { redirectPort, meshPort = 0, dnsPort, appPort, exemptUser, exemptMark } = options;
  const isOutbound = redirectPort !== undefined || dnsPort !== undefined;
  if (!isOutbound && meshPort === 0)
    return 'there is nothing to capture: give --redirect-port, --dns-port or --mesh-port, or --delete';
  if ((meshPort === 0) !== (appPort === undefined))
    return '--mesh-port and --app-port belong together: what others open to the one is brought to the other';
  if (isOutbound && exemptUser === undefined && exemptMark === undefined)
    return "the sidecar's own connections must be left alone, else they come back to it: give --exempt-user, the user it runs as";
  return undefined;
}

function collectPort(text: string, previous: readonly number[] | undefined): readonly number[] {
  return [...(previous ?? []), parsePort(text)];
}

function collectNumber(text: string, previous: readonly number[] | undefined): readonly number[] {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('write a number, as "id -u NAME" prints it.');
  return [...(previous ?? []), Number(text)];
}
