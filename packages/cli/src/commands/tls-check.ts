import { RampartError } from '@rampart/core';
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

async function check(
  { service, options }: { readonly service: string | undefined; readonly options: TlsCheckOptions },
  { withAdmin, show, note, palette }: Invocation,
): Promise<number> {
  const name = service === undefined ? undefined : parseService(service, options.namespace ?? 'default');
  const { checks } = await withAdmin((client) =>
    client.checkTls({ service: name === undefined ? '' : `${name.name}.${name.namespace}` }),
  );
  if (name !== undefined && checks.length === 0) {
    throw new RampartError(
      'NOT_FOUND',
      `no service ${name.name} in namespace ${name.namespace} has an instance; "rampart get services -A" lists those that have`,
    );
  }
  show({ data: () => checks.map(checkData), table: () => renderChecks(checks, palette) });
  if (checks.length === 0) note('no service is registered yet; start one with "rampart run --service NAME -- CMD"');
  return options.strict === true && checks.some(({ mode }) => mode !== 'STRICT') ? EXIT.no : EXIT.ok;
}

const CLIENT_OF_MODE: Readonly<Record<string, string>> = { STRICT: 'mTLS', PERMISSIVE: 'mTLS', DISABLE: 'plaintext' };

function renderChecks(checks: readonly TlsCheck[], palette: Palette): string {
  const table = renderTable(
    columnsOf('HOST:PORT', 'SERVER', 'CLIENT', 'AUTHN POLICY', '>INSTANCES'),
    checks.map((one) => [
      `${hostOf(one)}:${one.port}`,
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
  const hosts = open.map((one) => `${one.service}.${one.namespace}:${one.port}`).join(', ');
  return `mTLS: plaintext is let in at ${open.length} of ${checks.length} ports: ${hosts}`;
}

function checkData({ service, namespace, port, mode, policy, instances }: TlsCheck): object {
  return { service, namespace, host: hostOf({ service, namespace }), port, mode, policy, instances };
}

function hostOf({ service, namespace }: Pick<TlsCheck, 'service' | 'namespace'>): string {
  return `${service}.${namespace}.svc.cluster.local`;
}
