import { isIP } from 'node:net';
import type { ControlPlaneOptions } from '@rampart/server';
import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from './duration.ts';
import { parsePort } from './number.ts';

/** Options of `rampart up` about the doors that clients of other registries know. */
export interface RegistryDoorOptions {
  readonly dnsPort?: number;
  readonly dnsTtl?: number;
  readonly dnsForward?: readonly Address[];
  readonly consulPort?: number;
  readonly consulTlsPort?: number;
  readonly datacenter?: string;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

const DNS_PORT = 53;
const DATACENTER = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export function registryDoorOptions(): readonly Option[] {
  return [
    new Option('--dns-port <port>', 'port of DNS, UDP and TCP; no DNS without it').argParser(parsePort),
    new Option('--dns-ttl <duration>', 'how long answers of DNS may be kept (default: not at all)').argParser(
      parseDuration,
    ),
    new Option(
      '--dns-forward <address>',
      'resolver that other names are asked of, for this host and private networks; may be repeated',
    ).argParser(collectAddress),
    new Option(
      '--consul-port <port>',
      "port of Consul's HTTP API, plain, always on loopback; none without it",
    ).argParser(parsePort),
    new Option('--consul-tls-port <port>', "port of Consul's HTTP API over TLS; none without it").argParser(parsePort),
    new Option('--datacenter <name>', 'datacenter in names and answers of DNS and Consul (default: dc1)').argParser(
      parseDatacenter,
    ),
  ];
}

export function registryDoorsOf(options: RegistryDoorOptions): Pick<ControlPlaneOptions, 'dns' | 'consul'> {
  const { dnsPort, dnsTtl, dnsForward, consulPort, consulTlsPort } = options;
  const datacenter = options.datacenter === undefined ? {} : { datacenter: options.datacenter };
  const dns = {
    ...(dnsTtl === undefined ? {} : { ttlSeconds: Math.floor(dnsTtl / 1000) }),
    ...(dnsForward === undefined ? {} : { forwardTo: dnsForward }),
    ...datacenter,
  };
  const consul = {
    ...(consulPort === undefined ? {} : { httpPort: consulPort }),
    ...(consulTlsPort === undefined ? {} : { httpsPort: consulTlsPort }),
  };
  return {
    ...(dnsPort === undefined ? {} : { dns: { port: dnsPort, ...dns } }),
    ...(Object.keys(consul).length === 0 ? {} : { consul: { ...consul, ...datacenter } }),
  };
}

/** "10.0.0.2", "10.0.0.2:53", "[fd00::2]:53". */
function collectAddress(text: string, earlier: readonly Address[] = []): readonly Address[] {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? text;
  const number = port === undefined ? DNS_PORT : Number(port);
  if (isIP(host) === 0 || number < 1 || number > 65_535) {
    throw new InvalidArgumentError('write the address of a resolver, such as 10.0.0.2, 10.0.0.2:5353 or [fd00::2]:53.');
  }
  return [...earlier, { host, port: number }];
}

function parseDatacenter(text: string): string {
  if (!DATACENTER.test(text)) throw new InvalidArgumentError('write a DNS label, such as dc1.');
  return text;
}
