import type { JwtLifetimes, JwtSigningAlgorithm, LifetimeOptions } from '@rampart/authority';
import type { Clock, Random } from '@rampart/core';
import type { KeyEncryptionKey, TransitOptions } from '@rampart/keyring';
import { type ProbeLimits, probeLimits } from '@rampart/registry';
import { createSteadyClock, createSystemClock } from './clock.ts';
import type { ConsulOptions } from './doors/consul/consul-options.ts';
import type { DnsOptions } from './doors/dns/dns-options.ts';
import { type CallerRates, DEFAULT_RATES } from './doors/limits/caller-limits.ts';
import type { Logger } from './log.ts';
import { createSystemRandom } from './random.ts';
import type { UpstreamOptions } from './trust/upstream.ts';
import type { AccessLogRetention } from './telemetry/retention.ts';

/** How a control plane is started. Everything but the directory and the log has a default that suits one machine. */
export interface ControlPlaneOptions {
  /** Made when it is missing. */
  readonly dataDirectory: string;
  readonly log: Logger;
  /** Address the API listens on; loopback unless given. */
  readonly host?: string;
  /** API 8443 and metrics 9090 unless given; 0 takes a free one. */
  readonly ports?: { readonly api?: number; readonly metrics?: number };
  /** "cluster.local" unless given. */
  readonly trustDomain?: string;
  /** Namespace whose policies are for the whole mesh; "istio-system" unless given. */
  readonly rootNamespace?: string;
  readonly lifetimes?: LifetimeOptions;
  /** Who signs the intermediates; a root of its own, whose key is with the others, unless given. */
  readonly upstream?: UpstreamOptions;
  readonly jwt?: JwtOptions;
  readonly federation?: FederationOptions;
  /** http or https URL under which others reach /crl of this server; only with it certificates name their revocation list. */
  readonly crlUrl?: string;
  /** Where revocations are kept apart from the database; revocations.log in the data directory unless given. */
  readonly revocationFile?: string;
  /** That file is lost for good: begin a new one with what the database holds. */
  readonly beginRevocationFile?: boolean;
  /** Where services are found by DNS; nowhere unless given. Whoever reaches that port learns where services are. */
  readonly dns?: DnsOptions;
  /** Where clients of Consul find the registry; nowhere unless given. */
  readonly consul?: ConsulOptions;
  /** Milliseconds an instance is still found after its data plane is gone. */
  readonly leaseMs?: number;
  readonly healthChecks?: HealthCheckOptions;
  /** 7 days and 1 GiB unless given. */
  readonly accessLogs?: Partial<AccessLogRetention>;
  /** What protects the keys of the authority; the file keys/master.key of the data directory unless given. */
  readonly keyEncryptionKey?: KeyEncryptionKey;
  /** Protects the keys of the authority in place of that file; salt and cost stand in keys/passphrase.json. */
  readonly keyPassphrase?: string;
  /** Where those keys are instead of the data directory: an external service that never gives them away. */
  readonly keyService?: TransitOptions;
  /** How often one caller may attest and have something signed; SPIRE's numbers unless given. */
  readonly callerRates?: Partial<CallerRates>;
  readonly clock?: Clock;
  /** Measures for how long things go on; the clock that is given, or one that nobody can set. */
  readonly steady?: Clock;
  readonly random?: Random;
}

/** Health checks that this server runs. */
export interface HealthCheckOptions {
  /** Networks ("10.0.0.0/8") where checks may be run beside the address that a registration comes from. */
  readonly networks?: readonly string[];
  /** Whether operators may register checks that are programs, started by this process. */
  readonly scripts?: boolean;
}

/** JWT-SVIDs. */
export interface JwtOptions {
  /** `iss` of every token: the https URL under which relying parties reach this server. Without one there is no discovery document. */
  readonly issuer?: string;
  /** What they are signed with: as before unless given, ES256 at first; some clouds know RS256 only. */
  readonly algorithm?: JwtSigningAlgorithm;
  readonly lifetimes?: Partial<JwtLifetimes>;
}

/** Other trust domains. */
export interface FederationOptions {
  /** PEM roots that count for bundle endpoints of the profile https_web beside those of this machine. */
  readonly webRoots?: string;
  /** Where the public documents are served with a certificate of the public web too (profile https_web); nowhere unless given. */
  readonly webDoor?: {
    /** 0 takes a free one. */
    readonly port: number;
    /** PEM files; read again when they are renewed. */
    readonly certificateFile: string;
    readonly keyFile: string;
  };
}

/** The options with what is not given filled in. */
export interface CompleteOptions extends Required<
  Omit<
    ControlPlaneOptions,
    | 'lifetimes'
    | 'upstream'
    | 'keyService'
    | 'keyPassphrase'
    | 'jwt'
    | 'federation'
    | 'dns'
    | 'consul'
    | 'leaseMs'
    | 'healthChecks'
    | 'revocationFile'
    | 'beginRevocationFile'
    | 'crlUrl'
    | 'keyEncryptionKey'
    | 'ports'
    | 'accessLogs'
    | 'callerRates'
  >
> {
  readonly lifetimes: LifetimeOptions;
  readonly upstream: UpstreamOptions;
  readonly jwt: JwtOptions;
  readonly federation: FederationOptions;
  readonly dns: DnsOptions | undefined;
  readonly consul: ConsulOptions | undefined;
  readonly revocationFile: string | undefined;
  readonly beginRevocationFile: boolean;
  readonly crlUrl: string | undefined;
  readonly leaseMs: number | undefined;
  readonly probes: ProbeLimits;
  readonly keyEncryptionKey: KeyEncryptionKey | undefined;
  readonly keyPassphrase: string | undefined;
  readonly keyService: TransitOptions | undefined;
  readonly ports: { readonly api: number; readonly metrics: number };
  readonly accessLogs: AccessLogRetention;
  readonly callerRates: CallerRates;
}

const DEFAULT_RETENTION: AccessLogRetention = { days: 7, bytes: 1024 ** 3 };

export function completeOptions(given: ControlPlaneOptions): CompleteOptions {
  return {
    dataDirectory: given.dataDirectory,
    log: given.log,
    host: given.host ?? '127.0.0.1',
    ports: { api: given.ports?.api ?? 8443, metrics: given.ports?.metrics ?? 9090 },
    trustDomain: given.trustDomain ?? 'cluster.local',
    rootNamespace: given.rootNamespace ?? 'istio-system',
    lifetimes: given.lifetimes ?? {},
    upstream: given.upstream ?? { kind: 'own' },
    keyPassphrase: given.keyPassphrase,
    keyService: given.keyService,
    jwt: given.jwt ?? {},
    federation: given.federation ?? {},
    dns: given.dns,
    consul: given.consul,
    revocationFile: given.revocationFile,
    beginRevocationFile: given.beginRevocationFile ?? false,
    crlUrl: given.crlUrl,
    leaseMs: given.leaseMs,
    probes: probesOf(given.healthChecks),
    accessLogs: { ...DEFAULT_RETENTION, ...given.accessLogs },
    callerRates: { ...DEFAULT_RATES, ...given.callerRates },
    keyEncryptionKey: given.keyEncryptionKey,
    ...clocksOf(given),
    random: given.random ?? createSystemRandom(),
  };
}

/** Whoever owns the time owns all of it. */
function clocksOf({
  clock,
  steady,
}: Pick<ControlPlaneOptions, 'clock' | 'steady'>): Pick<CompleteOptions, 'clock' | 'steady'> {
  if (clock === undefined) return { clock: createSystemClock(), steady: steady ?? createSteadyClock() };
  return { clock, steady: steady ?? clock };
}

function probesOf({ networks = [], scripts = false }: HealthCheckOptions = {}): ProbeLimits {
  return probeLimits(networks, scripts);
}
