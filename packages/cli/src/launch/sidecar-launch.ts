import { randomInt } from 'node:crypto';
import { getServers } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_ROOT_NAMESPACE, RampartError } from '@rampart/core';
import type { Application, LogLevel, Names, Sidecar, SidecarConfig, Surroundings, Upstream } from '@rampart/proxy';
import { fromPem } from '@rampart/spiffe';
import { InvalidArgumentError, Option } from 'commander';
import { collectText } from '../arguments/pair.ts';
import { type NewWorkload, workloadOf, type WorkloadOptions } from '../arguments/workload-options.ts';
import type { Invocation } from '../shell.ts';
import { VERSION } from '../version.ts';
import { instanceEnvironment, type InstanceOptions } from './instance-options.ts';
import { controlPlaneOf } from './control-plane-of.ts';
import { givenEvidence } from './given-evidence.ts';

/** What was said on the command line about a sidecar. */
export interface SidecarOptions {
  readonly appPort?: number;
  readonly egressGateway?: boolean;
  readonly appHost: string;
  readonly appProtocol: Application['protocol'];
  readonly meshPort: number;
  readonly meshHost: string;
  readonly instanceHost?: string;
  readonly proxyProtocolFrom?: readonly string[];
  readonly appProxyProtocol?: NonNullable<Application['proxyProtocol']>;
  readonly proxyPort: number;
  readonly socksPort?: number;
  readonly redirectPort?: number;
  readonly dnsPort?: number;
  readonly dnsForward?: readonly string[];
  readonly metricsPort?: number;
  readonly metricsHost: string;
  readonly processes: number;
  readonly joinTokenFile?: string;
  readonly logLevel: LogLevel;
}

/** How long a sidecar waits for its identity before it serves anyway, refusing everything. */
export const START_MS = 10_000;
/** Longer than most requests, shorter than what supervisors wait before they kill. */
const DRAIN_MS = 10_000;
const HAND_OVER_MS = 2_000;

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];
const LOOPBACK = '127.0.0.1';
const TOKEN_TTL_SECONDS = 120;
const RANDOM_STEPS: number = 2 ** 32;
const LAST_PORT = 65_535;

export function sidecarOptions(): readonly Option[] {
  return [
    new Option('--app-port <port>', 'port that the application listens on; without it, it only calls others').argParser(
      portFrom(1),
    ),
    new Option(
      '--egress-gateway',
      'have no application: requests that rules send here leave the mesh from here, if policies let them',
    ).conflicts('appPort'),
    new Option('--app-host <address>', 'address that the application listens on').default(LOOPBACK),
    new Option('--app-protocol <protocol>', 'what the application speaks; http is HTTP/1.1')
      .choices(['http', 'http2', 'grpc', 'tcp'])
      .default('http'),
    new Option(
      '--app-proxy-protocol <version>',
      'have connections to the application begin with the PROXY protocol, which tells it who called',
    ).choices(['v1', 'v2']),
    new Option('--mesh-port <port>', 'port that the mesh calls the application on; 0 takes any')
      .argParser(portFrom(0))
      .default(0),
    new Option('--mesh-host <address>', 'address that the mesh calls it on; 0.0.0.0 for other hosts').default(LOOPBACK),
    new Option(
      '--instance-host <address>',
      'address in the registry (default: the mesh host, or where the control plane sees it)',
    ),
    new Option(
      '--proxy-protocol-from <address>',
      'address or CIDR block of load balancers in front of the mesh port: theirs begin with the PROXY protocol, v1 or v2, and are believed; may be repeated',
    ).argParser(collectText),
    new Option('--proxy-port <port>', 'port of the HTTP proxy for calls of the application; 0 takes any')
      .argParser(portFrom(0))
      .default(0),
    new Option('--socks-port <port>', 'open a SOCKS 5 proxy, too; 0 takes any port').argParser(portFrom(0)),
    new Option(
      '--redirect-port <port>',
      'take connections that nftables redirects (see "rampart sidecar nftables"); 0 takes any port',
    ).argParser(portFrom(0)),
    new Option(
      '--dns-port <port>',
      'answer DNS: names of services lead to addresses of 127.64.0.0/10, behind which the sidecar listens',
    ).argParser(portFrom(0)),
    new Option(
      '--dns-forward <address[:port]>',
      'resolver for all other names; may be repeated (default: those of this host)',
    ).argParser(collectText),
    new Option(
      '--metrics-port <port>',
      'answer Prometheus and health checks there, over plain HTTP; 0 takes any port',
    ).argParser(portFrom(0)),
    new Option('--metrics-host <address>', 'address that they are answered on').default(LOOPBACK),
    new Option('--processes <count>', 'processes that share the work: a number, or auto for one a core')
      .argParser(processCount)
      .default(1),
    new Option(
      '--join-token-file <file>',
      'file with its join token (default: what $RAMPART_ATTESTATION, $RAMPART_JOIN_TOKEN or $RAMPART_JOIN_TOKEN_FILE say, else one is made as client.json allows)',
    ),
    new Option('--log-level <level>', 'how much is logged on standard error').choices(LOG_LEVELS).default('warn'),
  ];
}

/** Opens the ports of a sidecar for `workload`. @throws RampartError INVALID_ARGUMENT, CONTROL_PLANE_UNREACHABLE, PORT_IN_USE */
export async function launchSidecar(
  options: SidecarOptions & WorkloadOptions & InstanceOptions,
  invocation: Invocation,
): Promise<Sidecar> {
  const { io } = invocation;
  const workload = workloadOf(options);
  const { address, caFile } = await controlPlaneOf(invocation);
  const evidence = await evidenceSettings(options, workload, invocation);
  // Loaded only here, so that no other command pays for it.
  const proxy = await import('@rampart/proxy');
  const { createLineLog, evidenceOf, startSidecar, startSidecarProcesses, stopwatch } = proxy;
  const spoolDirectory = io.env['RAMPART_SPOOL_DIRECTORY'] ?? join(tmpdir(), 'rampart-spool');
  const config: SidecarConfig = {
    address: {
      url: new URL(address),
      roots: await readRoots(caFile),
      rootNamespace: io.env['RAMPART_ROOT_NAMESPACE'] ?? DEFAULT_ROOT_NAMESPACE,
    },
    evidence: evidenceOf(evidence),
    spoolDirectory,
    application: applicationOf(options, traitsOf({ ...io.env, ...instanceEnvironment(options) }, proxy.readTraits)),
    ...(options.egressGateway === true && { egressGateway: true }),
    proxy: { host: LOOPBACK, port: options.proxyPort },
    ...(options.metricsPort === undefined ? {} : { metrics: { host: options.metricsHost, port: options.metricsPort } }),
    ...(options.socksPort === undefined ? {} : { socks: { host: LOOPBACK, port: options.socksPort } }),
    ...(options.redirectPort === undefined ? {} : { redirect: { port: options.redirectPort } }),
    ...(options.dnsPort === undefined
      ? {}
      : { names: namesOf(options, workload, { spoolDirectory, parse: proxy.parseUpstream }) }),
  };
  const surroundings: Surroundings = {
    clock: io.clock,
    stopwatch,
    random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
    log: createLineLog('sidecar', options.logLevel, (line) => io.stderr.write(line)),
    pid: io.pid,
    version: VERSION,
  };
  const { processes: count, logLevel } = options;
  if (count === 1) return startSidecar(config, surroundings);
  const { execArgv, environment } = io.leanStart();
  // It has been used by now, or will be by this process.
  const withoutToken = { ...environment, RAMPART_JOIN_TOKEN: undefined };
  return startSidecarProcesses(config, surroundings, { count, logLevel, execArgv, environment: withoutToken });
}

/** Out of the registry, requests in flight finished unless somebody is in a hurry, records handed over. */
export async function leaveMesh(sidecar: Sidecar, hurried?: Promise<void>): Promise<void> {
  const drained = sidecar.drain(DRAIN_MS);
  await (hurried === undefined ? drained : Promise.race([drained, hurried]));
  await sidecar.stop(HAND_OVER_MS);
}

function applicationOf(options: SidecarOptions, traits: Application['traits']): Application | undefined {
  const { appPort, appHost, appProtocol, meshHost, meshPort, instanceHost = '', egressGateway } = options;
  const { proxyProtocolFrom: loadBalancers, appProxyProtocol: proxyProtocol } = options;
  if (egressGateway === true) return gatewayOf(options, traits);
  if (appPort === undefined) return undefined;
  if (meshPort === appPort && meshHost === appHost)
    throw new RampartError(
      'INVALID_ARGUMENT',
      `--mesh-port and --app-port are both ${appPort} on ${appHost}: the application has one, the sidecar takes another`,
    );
  return {
    host: appHost,
    port: appPort,
    protocol: appProtocol,
    mesh: { host: meshHost, port: meshPort },
    instanceHost,
    traits,
    ...(loadBalancers !== undefined && { loadBalancers }),
    ...(proxyProtocol !== undefined && { proxyProtocol }),
  };
}

/** Its port is that of its own proxy, once that is known. */
function gatewayOf(options: SidecarOptions, traits: Application['traits']): Application {
  const { meshHost, meshPort, instanceHost = '' } = options;
  return { host: LOOPBACK, port: 0, protocol: 'http', mesh: { host: meshHost, port: meshPort }, instanceHost, traits };
}

function traitsOf(
  env: Readonly<Record<string, string | undefined>>,
  read: (env: Record<string, string | undefined>, problems: string[]) => Application['traits'],
): Application['traits'] {
  const problems: string[] = [];
  const traits = read({ ...env }, problems);
  if (problems.length === 0) return traits;
  throw new RampartError('INVALID_ARGUMENT', problems.join('; '));
}

interface NamesContext {
  readonly spoolDirectory: string;
  readonly parse: (text: string) => Upstream | undefined;
}

function namesOf(
  { dnsPort = 0, dnsForward = getServers() }: SidecarOptions,
  { namespace, serviceAccount }: NewWorkload,
  { spoolDirectory, parse }: NamesContext,
): Names {
  const forwardTo = dnsForward.map((text) => {
    const upstream = parse(text);
    if (upstream !== undefined) return upstream;
    throw new RampartError(
      'INVALID_ARGUMENT',
      `--dns-forward takes an IP address with or without a port, not "${text}"`,
    );
  });
  const seed = `${namespace}/${serviceAccount}`;
  const addressFile = join(spoolDirectory, 'addresses', `${namespace}.${serviceAccount}.json`);
  return { port: dnsPort, forwardTo, seed, addressFile };
}

async function evidenceSettings(
  options: SidecarOptions,
  workload: NewWorkload,
  { io, withAdmin }: Invocation,
): Promise<Readonly<Record<string, string | undefined>>> {
  const given = givenEvidence(options, io);
  if (given !== undefined) return given;
  if ((options.appPort !== undefined || options.egressGateway === true) && workload.service === '')
    throw new RampartError(
      'INVALID_ARGUMENT',
      '--app-port or --egress-gateway without --service: nobody could find it; say with --service NAME what it is an instance of',
    );
  const { token } = await withAdmin((client) => client.createJoinToken({ workload, ttlSeconds: TOKEN_TTL_SECONDS }));
  return { RAMPART_JOIN_TOKEN: token };
}

async function readRoots(file: string): Promise<readonly Uint8Array[]> {
  let roots: readonly Uint8Array[];
  try {
    roots = fromPem(await readFile(file, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new RampartError('INVALID_ARGUMENT', `the CA file cannot be read: ${reason}`, { cause });
  }
  if (roots.length > 0) return roots;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${file} holds no certificate; name the PEM file of the mesh's roots with --ca: ca.pem in the data directory of "rampart up"`,
  );
}

const MOST_PROCESSES = 64;

function processCount(text: string): number {
  const count = text === 'auto' ? availableParallelism() : Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MOST_PROCESSES)
    throw new InvalidArgumentError(`it is a number from 1 to ${MOST_PROCESSES}, or auto.`);
  return count;
}

function portFrom(least: number): (text: string) => number {
  return (text) => {
    const port = Number(text);
    if (!/^\d{1,5}$/.test(text) || port < least || port > LAST_PORT)
      throw new InvalidArgumentError(`a port is a number from ${least} to ${LAST_PORT}.`);
    return port;
  };
}
