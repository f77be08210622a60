import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import { type Command, Option } from 'commander';
import { authorityOf, authorityOptions, type AuthorityOptions } from '../arguments/authority-options.ts';
import { parseLimit, parsePort } from '../arguments/number.ts';
import { EXIT } from '../exit-code.ts';
import { type RegistryDoorOptions, registryDoorOptions, registryDoorsOf } from '../arguments/registry-door-options.ts';
import { type HealthCheckOptions, healthCheckOptions, healthChecksOf } from '../arguments/health-check-options.ts';
import type { Io } from '../io.ts';
import { renderStart, type StartedMesh } from '../views/start.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';
import { VERSION } from '../version.ts';

interface UpOptions extends AuthorityOptions, RegistryDoorOptions, HealthCheckOptions {
  readonly host: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly trustDomain?: string;
  readonly attestationRate?: number;
  readonly signingRate?: number;
  readonly jwtIssuer?: string;
  readonly jwtAlgorithm?: (typeof JWT_ALGORITHMS)[number];
  readonly crlUrl?: string;
  readonly revocationFile?: string;
  readonly beginRevocationFile?: true;
  readonly webPort?: number;
  readonly webCert?: string;
  readonly webKey?: string;
  readonly logLevel: LogLevel;
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

const JWT_ALGORITHMS = ['ES256', 'RS256'] as const;

const DEFAULT_DATA = '.rampart';
const LOOPBACK = '127.0.0.1';
/** At once, for one address. */
const FIRST_ATTESTATIONS = 60;
const API_PORT = 8443;
const METRICS_PORT = 9090;
const LONGEST_WORKLOAD_TTL_MS = 24 * 3_600_000;
const SHORTEST_WORKLOAD_TTL_MS = 1000;

export function defineUp(parent: Command, shell: Shell): void {
  const command = parent
    .command('up')
    .description('start a mesh on this machine: everything in one process on loopback, data in ./.rampart (or --data)')
    .option('--host <address>', 'address to listen on', LOOPBACK)
    .option('--port <port>', 'port of the API; 0 lets the system choose', parsePort, API_PORT)
    .option('--metrics-port <port>', 'port of metrics and health; 0 lets the system choose', parsePort, METRICS_PORT)
    .option('--trust-domain <name>', 'trust domain of a new mesh (default: cluster.local)')
    .option(
      '--attestation-rate <number>',
      'attestations a second for one address, after 60 at once (default: 1)',
      parseLimit,
    )
    .option('--signing-rate <number>', 'certificates, and tokens, a second for one caller (default: 500)', parseLimit)
    .option('--jwt-issuer <url>', 'https URL under which relying parties reach this server: `iss` of JWT-SVIDs')
    .addOption(
      new Option(
        '--jwt-algorithm <name>',
        'what JWT-SVIDs are signed with from now on: ES256, or RS256 for clouds that know nothing else (default: as before, ES256 at first)',
      ).choices(JWT_ALGORITHMS),
    )
    .option('--crl-url <url>', 'http(s) URL under which others reach /crl here; certificates name it then')
    .option(
      '--revocation-file <file>',
      'where revocations are kept apart from the database (default: in the data directory)',
    )
    .option('--begin-revocation-file', 'that file is lost for good: begin a new one with what the database holds')
    .option('--web-port <port>', 'port that serves bundle and keys with a certificate of the public web', parsePort)
    .option('--web-cert <file>', 'PEM certificate chain of that port; read again when it is renewed')
    .option('--web-key <file>', 'PEM private key of that port')
    .addOption(
      new Option('--log-level <level>', 'how much is logged on standard error').choices(LOG_LEVELS).default('warn'),
    )
    .addHelpText(
      'after',
      examples(
        ['rampart up', 'data in ./.rampart, API on 127.0.0.1:8443'],
        ['rampart up --data /tmp/mesh --port 0 --metrics-port 0', 'beside another one'],
        ['rampart up --dns-port 8600', 'services are found by DNS too: dig @127.0.0.1 -p 8600 shop.service.consul'],
        [
          'rampart up --consul-port 8500',
          'clients of Consul register and find services: CONSUL_HTTP_ADDR=127.0.0.1:8500',
        ],
        ['rampart up --workload-ttl 1h', 'certificates that live an hour'],
        ['rampart up --root /media/root', 'intermediates of a root that is kept on a disk of its own'],
      ),
    )
    .action((options: UpOptions, own: Command) => shell.run(own, (invocation) => up(options, invocation)));
  for (const option of [...authorityOptions(), ...registryDoorOptions(), ...healthCheckOptions()])
    command.addOption(option);
}

async function up(options: UpOptions, invocation: Invocation): Promise<number> {
  const { io, globals, renderData } = invocation;
  io.becomeLean('control-plane');
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<void>();
  // Listened for from the beginning: a Ctrl-C during the start must not leave half of it behind.
  const release = io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => interrupt());
  try {
    const mesh = await startMesh(options, invocation);
    io.stdout.write(
      globals.output === 'table' ? renderStart(mesh.started, invocation) : renderData({ ...mesh.started }),
    );
    await interrupted;
    // The terminal has just echoed ^C.
    invocation.note(`${io.stderr.isTerminal ? '\n' : ''}stopping: letting open requests end`);
    await mesh.stop();
    return EXIT.ok;
  } finally {
    release();
  }
}

function jwtOf({ jwtIssuer, jwtAlgorithm }: UpOptions): { issuer?: string; algorithm?: 'ES256' | 'RS256' } {
  return {
    ...(jwtIssuer === undefined ? {} : { issuer: jwtIssuer }),
    ...(jwtAlgorithm === undefined ? {} : { algorithm: jwtAlgorithm }),
  };
}

interface RunningMesh {
  readonly started: StartedMesh;
  stop(): Promise<void>;
}

async function startMesh(options: UpOptions, { io, globals }: Invocation): Promise<RunningMesh> {
  const dataDirectory = resolve(io.workingDirectory, globals.data ?? DEFAULT_DATA);
  // Loaded only here, so that no other command pays for the control plane.
  const { createLogger, startControlPlane } = await import('@rampart/server');
  const { certificates, workloadTtl, trustDomain } = options;
  if (workloadTtl !== undefined && workloadTtl < SHORTEST_WORKLOAD_TTL_MS) {
    throw new RampartError('INVALID_ARGUMENT', '--workload-ttl is shorter than 1s; certificates count whole seconds');
  }
  if (certificates === 'mesh' && workloadTtl !== undefined && workloadTtl > LONGEST_WORKLOAD_TTL_MS) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      '--workload-ttl is longer than 24h; certificates are short-lived so that a stolen one soon is worthless (--certificates observatory allows 90 days)',
    );
  }
  const controlPlane = await startControlPlane({
    dataDirectory,
    host: options.host,
    ports: { api: options.port, metrics: options.metricsPort },
    ...(trustDomain === undefined ? {} : { trustDomain }),
    ...(await authorityOf(options, io)),
    jwt: jwtOf(options),
    ...revocationOf(options, io),
    callerRates: callerRatesOf(options),
    federation: webDoorOf(options, io),
    ...registryDoorsOf(options),
    ...healthChecksOf(options),
    log: createLogger({ level: options.logLevel, destination: io.stderr, pretty: io.stderr.isTerminal }),
  });
  const { addresses, caFile } = controlPlane;
  const started = {
    version: VERSION,
    api: addresses.api,
    metrics: addresses.metrics,
    ...(addresses.web === undefined ? {} : { web: addresses.web }),
    ...(addresses.dns === undefined ? {} : { dns: addresses.dns }),
    ...(addresses.consul === undefined ? {} : { consul: addresses.consul }),
    ...(addresses.consulTls === undefined ? {} : { consulTls: addresses.consulTls }),
    trustDomain: controlPlane.trustDomain,
    dataDirectory,
    caFile,
  };
  return { started, stop: () => controlPlane.stop() };
}

interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Who may attest more often than that may do so at once, too. */
function callerRatesOf({
  attestationRate,
  signingRate,
}: UpOptions): Partial<Record<'attestation' | 'x509' | 'jwt', Rate>> {
  const signing = signingRate === undefined ? undefined : { perSecond: signingRate, burst: signingRate };
  return {
    ...(attestationRate === undefined
      ? {}
      : { attestation: { perSecond: attestationRate, burst: Math.max(FIRST_ATTESTATIONS, attestationRate) } }),
    ...(signing === undefined ? {} : { x509: signing, jwt: signing }),
  };
}

function revocationOf(
  { crlUrl, revocationFile, beginRevocationFile }: UpOptions,
  { workingDirectory }: Io,
): { readonly crlUrl?: string; readonly revocationFile?: string; readonly beginRevocationFile: boolean } {
  return {
    ...(crlUrl === undefined ? {} : { crlUrl: crlUrl.replace(/\/+$/, '') }),
    beginRevocationFile: beginRevocationFile === true,
    ...(revocationFile === undefined ? {} : { revocationFile: resolve(workingDirectory, revocationFile) }),
  };
}

function webDoorOf(
  { webPort, webCert, webKey }: UpOptions,
  { workingDirectory }: Io,
): { readonly webDoor?: { readonly port: number; readonly certificateFile: string; readonly keyFile: string } } {
  if (webPort === undefined && webCert === undefined && webKey === undefined) return {};
  if (webPort === undefined || webCert === undefined || webKey === undefined) {
    throw new RampartError('INVALID_ARGUMENT', '--web-port, --web-cert and --web-key belong together: give all three');
  }
  const [certificateFile, keyFile] = [resolve(workingDirectory, webCert), resolve(workingDirectory, webKey)];
  return { webDoor: { port: webPort, certificateFile, keyFile } };
}
