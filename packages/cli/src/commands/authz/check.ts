import { judgeQuestion, principalOf, type ServiceName, type Verdict } from '@rampart/core';
import type { Command } from 'commander';
import { parseAddress, parseMethod, parsePath } from '../../arguments/request.ts';
import { parsePort } from '../../arguments/number.ts';
import { collectHeader, type Pairs } from '../../arguments/pair.ts';
import { parseCaller, parseService } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { addFileMeshOptions, type FileMeshOptions, readMesh } from '../../mesh/mesh-options.ts';
import { likelyCallee } from '../../mesh/mesh-view.ts';
import { renderVerdict, verdictData } from '../../views/verdict.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { unregisteredHint } from './explain.ts';

interface CheckOptions extends FileMeshOptions {
  readonly from: string;
  readonly to: string;
  readonly method: string;
  readonly path: string;
  readonly port?: number;
  readonly header?: Pairs;
  readonly sourceIp?: string;
  readonly host?: string;
  readonly toLabel?: Pairs;
}

/** What the options ask. */
interface Asked {
  /** As `parseCaller` gives it. */
  readonly from: string;
  readonly to: ServiceName;
  readonly method: string;
  readonly path: string;
  /** 0 for that of the service's instances. */
  readonly port: number;
  readonly headers: Pairs;
  readonly sourceIp: string;
  readonly host: string;
}

export function defineCheck(parent: Command, shell: Shell): void {
  const command = parent
    .command('check')
    .description('the verdict for a request that nobody sent, and why; exit 1 when it is DENY')
    .option('--from <caller>', 'SPIFFE ID or namespace/service-account; none for a caller without identity', 'none')
    .requiredOption('--to <service>', 'service: orders-api, orders-api.default or orders-api.default.svc.cluster.local')
    .option('--method <method>', 'HTTP method', parseMethod, 'GET')
    .option('--path <path>', 'path of the request', parsePath, '/')
    .option('--header <name=value>', 'request header, may be repeated', collectHeader)
    .option('--port <port>', 'port of the workload (default: that of the service)', parsePort)
    .option('--source-ip <address>', "the caller's address (default: 127.0.0.1)", parseAddress)
    .option('--host <host>', 'value of the Host header (default: the service)');
  addFileMeshOptions(command)
    .addHelpText(
      'after',
      examples(
        [
          'rampart authz check --from web/frontend --to orders-api.shop --method POST --path /orders',
          'in the running mesh',
        ],
        ['rampart authz check -f policies.yaml --from none --to orders-api', 'against files, before they are applied'],
      ),
    )
    .action((options: CheckOptions, own: Command) => shell.run(own, (invocation) => check(options, invocation)));
}

async function check(options: CheckOptions, invocation: Invocation): Promise<number> {
  const question = questionOf(options);
  const verdict =
    options.filename === undefined
      ? await askControlPlane(question, invocation)
      : await askFiles(question, { options, invocation });
  if (verdict === undefined) return EXIT.no;
  invocation.show({
    data: () => verdictData(verdict),
    table: () => renderVerdict(verdict, describe(question), invocation.palette),
  });
  return verdict.decision === 'ALLOW' ? EXIT.ok : EXIT.no;
}

function questionOf(options: CheckOptions): Asked {
  const to = parseService(options.to, options.namespace ?? 'default');
  return {
    from: parseCaller(options.from),
    to,
    method: options.method,
    path: options.path,
    port: options.port ?? 0,
    headers: options.header ?? {},
    sourceIp: options.sourceIp ?? '127.0.0.1',
    host: options.host ?? `${to.name}.${to.namespace}`,
  };
}

function describe({ from, to, method, path }: Asked): string {
  return `${method} ${path}  ${from === '' ? 'a caller without identity' : from} → ${to.name}.${to.namespace}`;
}

async function askControlPlane(question: Asked, { withAdmin, note }: Invocation): Promise<Verdict> {
  const { to, headers, ...rest } = question;
  return withAdmin(async (client) => {
    const asked = { ...rest, headers: { ...headers }, to: `${to.name}.${to.namespace}` };
    const [answer, { services }] = await Promise.all([client.checkAuthorization(asked), client.listServices({})]);
    if (!services.some(({ name, namespace }) => name === to.name && namespace === to.namespace)) {
      note(unregisteredHint(likelyCallee(to)));
    }
    return JSON.parse(answer.verdictJson) as Verdict;
  });
}

/** The verdict by files alone; undefined when they were refused, which has been reported by then. */
async function askFiles(
  question: Asked,
  { options, invocation }: { readonly options: CheckOptions; readonly invocation: Invocation },
): Promise<Verdict | undefined> {
  const view = await readMesh(options, invocation);
  if (view === undefined) return undefined;
  const { to, from, port, ...request } = question;
  const callee = likelyCallee(to, { port, ...(options.toLabel === undefined ? {} : { labels: options.toLabel }) });
  return judgeQuestion({ ...request, from: principalOf(from, options.trustDomain), to: callee }, view.facts);
}
