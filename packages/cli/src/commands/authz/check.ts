import { judgeQuestion, principalOf, type Resource, selects, type ServiceName, type Verdict } from '@rampart/core';
import type { Command } from 'commander';
import { parseAddress, parseMethod, parsePath } from '../../arguments/request.ts';
import { parsePort } from '../../arguments/number.ts';
import { collectHeader, type Pairs } from '../../arguments/pair.ts';
import { parseCaller, parseService } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { addFileMeshOptions, type FileMeshOptions, readMesh, refuseFileOptions } from '../../mesh/mesh-options.ts';
import { likelyCallee } from '../../mesh/mesh-view.ts';
import { ROOT_NAMESPACE, tokenPolicies } from '../../mesh/live-mesh.ts';
import { type ClaimPairs, collectClaim, type PresentedToken, readToken } from '../../token/presented-token.ts';
import { checkToken, type TokenFinding } from '../../token/token-check.ts';
import { renderToken, tokenData } from '../../views/token.ts';
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
  /** "@" and the file that holds the token, or "@-". */
  readonly jwt?: string;
  readonly claim?: ClaimPairs;
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
  readonly token: PresentedToken | undefined;
}

/** A verdict, and what was found out about the token. */
interface Answer {
  readonly verdict: Verdict;
  readonly finding: TokenFinding | undefined;
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
    .option('--host <host>', 'value of the Host header (default: the service)')
    .option('--jwt <@file>', 'token of the request, in a file; @- for standard input')
    .option(
      '--claim <name=value>',
      'in place of a token: one of its claims, taken for genuine; may be repeated',
      collectClaim,
    );
  addFileMeshOptions(command)
    .addHelpText(
      'after',
      examples(
        [
          'rampart authz check --from web/frontend --to orders-api.shop --method POST --path /orders',
          'in the running mesh',
        ],
        ['rampart authz check -f policies.yaml --from none --to orders-api', 'against files, before they are applied'],
        ['rampart authz check --to orders-api --jwt @token.txt', 'with the token of an end user'],
      ),
    )
    .action((options: CheckOptions, own: Command) => shell.run(own, (invocation) => check(options, invocation)));
}

async function check(options: CheckOptions, invocation: Invocation): Promise<number> {
  refuseFileOptions(options);
  const token = await readToken(options, invocation.io);
  const question = { ...questionOf(options), token };
  const answer =
    options.filename === undefined
      ? await askControlPlane(question, invocation)
      : await askFiles(question, { options, invocation });
  if (answer === undefined) return EXIT.no;
  const { verdict, finding } = answer;
  invocation.show({
    data: () => ({ ...verdictData(verdict), ...(token && finding ? { token: tokenData(token, finding) } : {}) }),
    table: () =>
      `${renderVerdict(verdict, describe(question), invocation.palette)}${token && finding ? renderToken(token, finding) : ''}`,
  });
  return verdict.decision === 'ALLOW' ? EXIT.ok : EXIT.no;
}

function questionOf(options: CheckOptions): Omit<Asked, 'token'> {
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

async function askControlPlane(question: Asked, { withAdmin, note, io }: Invocation): Promise<Answer> {
  const { to, headers, token, ...rest } = question;
  return withAdmin(async (client) => {
    const { services } = await client.listServices({});
    const service = services.find(({ name, namespace }) => name === to.name && namespace === to.namespace);
    if (service === undefined) note(unregisteredHint(likelyCallee(to)));
    const callees = service?.endpoints ?? [likelyCallee(to)];
    const isAbout = (resource: Resource): boolean =>
      callees.some(({ labels }) => selects(resource, { namespace: to.namespace, labels }, ROOT_NAMESPACE));
    const finding =
      token === undefined
        ? undefined
        : await checkToken(token, (await tokenPolicies(client)).filter(isAbout), io.clock.now());
    const { verdictJson } = await client.checkAuthorization({
      ...rest,
      headers: { ...headers },
      to: `${to.name}.${to.namespace}`,
      claimsJson: token === undefined ? '' : JSON.stringify(token.claims),
    });
    return answerOf(JSON.parse(verdictJson) as Verdict, finding);
  });
}

/** The verdict by files alone; undefined when they were refused, which has been reported by then. */
async function askFiles(
  question: Asked,
  { options, invocation }: { readonly options: CheckOptions; readonly invocation: Invocation },
): Promise<Answer | undefined> {
  const view = await readMesh(options, invocation);
  if (view === undefined) return undefined;
  const { to, from, port, token, ...request } = question;
  const { rootNamespace, trustDomain } = options;
  const callee = likelyCallee(to, { port, ...(options.toLabel === undefined ? {} : { labels: options.toLabel }) });
  const about = view.facts.resources.filter((resource) => selects(resource, callee, rootNamespace));
  const finding = token === undefined ? undefined : await checkToken(token, about, invocation.io.clock.now());
  const asked = { ...request, from: principalOf(from, trustDomain), to: callee };
  const claims = token === undefined ? {} : { claims: token.claims, now: invocation.io.clock.now() };
  return answerOf(judgeQuestion({ ...asked, ...claims }, view.facts), finding);
}

/** A token that is refused gets no further than the data plane's door, whatever its claims would open. */
function answerOf(verdict: Verdict, finding: TokenFinding | undefined): Answer {
  if (finding?.refused === undefined) return { verdict, finding };
  const reason = `401, ${finding.refused}`;
  return { verdict: { ...verdict, decision: 'DENY', policy: '', rule: -1, action: '', reason }, finding };
}
