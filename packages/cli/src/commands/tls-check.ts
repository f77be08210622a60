import type { TlsCheck } from '@rampart/wire';
import type { Command } from 'commander';
import { parseService } from '../arguments/workload.ts';
import { EXIT } from '../exit-code.ts';
import type { Palette } from '../render/colour.ts';
import { type Cell, columnsOf, renderTable } from '../render/table.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

interface TlsCheckOptions {
  readonly namespace?: string;
  readonly strict?: boolean;
}

export function defineTlsCheck(parent: Command, shell: Shell): void {
  parent
    .command('tls-check')
    .description('effective mutual TLS of every service and port, and the policy that decides it')
    .argument('[service]', 'only this service: orders-api, orders-api.default or orders-api.default.svc.cluster.local')
    .option('-n, --namespace <name>', 'namespace of a short service name (default: default)')
    .option('--strict', 'exit 1 when any port takes plaintext')
    .addHelpText(
      'after',
      examples(
        ['rampart tls-check', 'every service'],
        ['rampart tls-check observatory-backend.observatory.svc.cluster.local', 'one service'],
        ['rampart tls-check --strict', 'fail a pipeline when plaintext is let in'],
      ),
    )
    .action((service: string | undefined, options: TlsCheckOptions, command: Command) =>
      shell.run(command, (invocation) => check({ service, options }, invocation)),
    );
}

interface TlsQuestion {
  readonly service: string | undefined;
  readonly options: TlsCheckOptions;
}

async function check(
  { service, options }: TlsQuestion,
  { withAdmin, show, note, palette }: Invocation,
): Promise<number> {
  const name = service === undefined ? undefined : parseService(service, options.namespace ?? 'default');
  const asked = name === undefined ? '' : `${name.name}.${name.namespace}`;
  const { checks } = await withAdmin((client) => client.checkTls({ service: asked }));
  show({ data: () => checks.map(checkData), table: () => renderChecks(checks, palette) });
  if (checks.length === 0) {
    note('no service is registered yet; start one with "rampart run --service NAME -- CMD"');
  } else if (checks.every(({ instances }) => instances === 0)) {
    note(`no instance of ${asked} is registered yet; this is what its ports will take`);
  }
  return options.strict === true && checks.some(({ mode }) => mode !== 'STRICT') ? EXIT.no : EXIT.ok;
}

const CLIENT_OF_MODE: Readonly<Record<string, string>> = { STRICT: 'mTLS', PERMISSIVE: 'mTLS', DISABLE: 'plaintext' };

function renderChecks(checks: readonly TlsCheck[], palette: Palette): string {
  const table = renderTable(
    columnsOf('HOST:PORT', 'SERVER', 'CLIENT', 'AUTHN POLICY', '>INSTANCES'),
    checks.map((one) => [
      `${hostOf(one)}:${portOf(one)}`,
      modeCell(one.mode, palette),
      CLIENT_OF_MODE[one.mode] ?? '',
      one.policy === '' ? '(default)' : one.policy,
      String(one.instances),
    ]),
  );
  return checks.length === 0 ? table : `${table}\n${summaryOf(checks)}\n`;
}

function modeCell(mode: string, palette: Palette): Cell {
  if (mode === 'STRICT') return { text: mode, paint: palette.good };
  return { text: mode, paint: mode === 'DISABLE' ? palette.bad : palette.warn };
}

function summaryOf(checks: readonly TlsCheck[]): string {
  const open = checks.filter(({ mode }) => mode !== 'STRICT');
  if (open.length === 0) return 'mTLS: STRICT for all connections';
  const hosts = open.map((one) => `${one.service}.${one.namespace}:${portOf(one)}`).join(', ');
  return `mTLS: plaintext is let in at ${open.length} of ${checks.length} ports: ${hosts}`;
}

function checkData({ service, namespace, port, mode, policy, instances }: TlsCheck): object {
  return { service, namespace, host: hostOf({ service, namespace }), port, mode, policy, instances };
}

function hostOf({ service, namespace }: Pick<TlsCheck, 'service' | 'namespace'>): string {
  return `${service}.${namespace}.svc.cluster.local`;
}

// A service without instances has no ports yet: whatever it will listen on.
function portOf({ port }: TlsCheck): string {
  return port === 0 ? '*' : String(port);
}
