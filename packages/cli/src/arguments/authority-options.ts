import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import type { ControlPlaneOptions } from '@rampart/server';
import { Option } from 'commander';
import { readText } from '../commands/ca/files.ts';
import { readPassphrase } from '../commands/ca/passphrase.ts';
import type { Io } from '../io.ts';
import { parseDuration } from './duration.ts';

/** Options of `rampart up` about the authority: how long certificates live, who signs, and where keys are. */
export interface AuthorityOptions {
  readonly certificates?: 'mesh' | 'observatory';
  readonly workloadTtl?: number;
  readonly root?: string;
  readonly rootPassphraseFile?: string;
  readonly rootPassphraseEnv?: string;
  readonly signByHand?: true;
  readonly upstreamCa?: string;
  readonly upstreamCaTls?: string;
  readonly upstreamCaRoots?: string;
  readonly upstreamCaToken?: string;
  readonly keyService?: string;
  readonly keyServiceCa?: string;
  readonly keyServiceToken?: string;
  readonly keyServiceMount?: string;
  readonly keyPassphraseFile?: string;
  readonly keyPassphraseEnv?: string;
}

export function authorityOptions(): readonly Option[] {
  return [
    new Option(
      '--certificates <profile>',
      'mesh: a day, renewed at half of it; observatory: 90 days, renewed at three quarters',
    )
      .choices(['mesh', 'observatory'])
      .default('mesh'),
    new Option('--workload-ttl <duration>', 'life of a workload certificate, at most that of the profile').argParser(
      parseDuration,
    ),
    new Option(
      '--root <directory>',
      'sign intermediates with the root that "rampart ca init --offline" made there',
    ).conflicts(['upstreamCa', 'signByHand']),
    new Option('--root-passphrase-file <file>', 'its first line is the passphrase of that root (default: asked for)'),
    new Option('--root-passphrase-env <name>', 'environment variable that holds it'),
    new Option(
      '--sign-by-hand',
      'intermediates come from a root that is not here: rampart ca request, sign, install',
    ).conflicts('upstreamCa'),
    new Option('--upstream-ca <url>', 'have an external CA sign intermediates: POST of the request, answer: the chain'),
    new Option('--upstream-ca-tls <file>', 'PEM: the only roots that its own TLS certificate may come from'),
    new Option('--upstream-ca-roots <file>', 'PEM: the only roots that its chains may end in'),
    new Option('--upstream-ca-token <file>', 'holds its bearer token, mode 0600; read again for each request'),
    ...keyOptions(),
  ];
}

/** Where the keys of a control plane are, and what protects them. */
export function keyOptions(): readonly Option[] {
  return [
    new Option('--key-service <url>', "keys never leave this service, which has the API of Vault's transit engine"),
    new Option('--key-service-ca <file>', 'PEM: the only roots that its TLS certificate may come from'),
    new Option('--key-service-token <file>', 'holds its token, mode 0600; read again for each call'),
    new Option('--key-service-mount <path>', 'where the engine is mounted (default: transit)'),
    new Option('--key-passphrase-file <file>', 'encrypt the keys in the data directory under its first line').conflicts(
      ['keyPassphraseEnv', 'keyService'],
    ),
    new Option('--key-passphrase-env <name>', 'the same, of an environment variable').conflicts('keyService'),
  ];
}

type Given = Pick<ControlPlaneOptions, 'lifetimes' | 'upstream' | 'keyService' | 'keyPassphrase'>;

/** The same for the control plane. Throws INVALID_ARGUMENT where what belongs together is not, NOT_FOUND for files. */
export async function authorityOf(options: AuthorityOptions, io: Io): Promise<Given> {
  const { certificates: profile = 'mesh', workloadTtl } = options;
  const upstream = await upstreamOf(options, io);
  return {
    lifetimes: { profile, ...(workloadTtl === undefined ? {} : { workloadMs: workloadTtl }) },
    ...(upstream === undefined ? {} : { upstream }),
    ...(await keysOf(options, io)),
  };
}

/** What `keyOptions` say; throws as `authorityOf`. */
export async function keysOf(
  options: AuthorityOptions,
  io: Io,
): Promise<Pick<ControlPlaneOptions, 'keyService' | 'keyPassphrase'>> {
  const keyService = await keyServiceOf(options, io);
  const { keyPassphraseFile: passphraseFile, keyPassphraseEnv: passphraseEnv } = options;
  const isProtected = passphraseFile !== undefined || passphraseEnv !== undefined;
  const source = {
    ...(passphraseFile === undefined ? {} : { passphraseFile }),
    ...(passphraseEnv === undefined ? {} : { passphraseEnv }),
  };
  return {
    ...(keyService === undefined ? {} : { keyService }),
    ...(isProtected ? { keyPassphrase: await readPassphrase(source, io, { use: 'known', of: 'keys' }) } : {}),
  };
}

async function upstreamOf(options: AuthorityOptions, io: Io): Promise<Given['upstream']> {
  if (options.signByHand === true) return { kind: 'by-hand' };
  if (options.root !== undefined) {
    const { rootPassphraseFile: file, rootPassphraseEnv: name } = options;
    const source = {
      ...(file === undefined ? {} : { passphraseFile: file }),
      ...(name === undefined ? {} : { passphraseEnv: name }),
    };
    const passphrase = await readPassphrase(source, io, { use: 'known', of: 'root' });
    return { kind: 'root', directory: resolve(io.workingDirectory, options.root), passphrase };
  }
  const { upstreamCa: url, upstreamCaTls, upstreamCaRoots, upstreamCaToken } = options;
  if (url === undefined) return undefined;
  const [tlsRoots, roots] = [
    await readText(demand(upstreamCaTls, '--upstream-ca', '--upstream-ca-tls'), io),
    await readText(demand(upstreamCaRoots, '--upstream-ca', '--upstream-ca-roots'), io),
  ];
  const tokenFile = upstreamCaToken === undefined ? {} : { tokenFile: resolve(io.workingDirectory, upstreamCaToken) };
  return { kind: 'external', url, tlsRoots, roots, ...tokenFile };
}

async function keyServiceOf(options: AuthorityOptions, io: Io): Promise<Given['keyService']> {
  const { keyService: url, keyServiceCa, keyServiceToken, keyServiceMount: mount } = options;
  if (url === undefined) return undefined;
  const ca = await readText(demand(keyServiceCa, '--key-service', '--key-service-ca'), io);
  const tokenFile = resolve(io.workingDirectory, demand(keyServiceToken, '--key-service', '--key-service-token'));
  return { url, ca, tokenFile, ...(mount === undefined ? {} : { mount }) };
}

function demand(value: string | undefined, option: string, missing: string): string {
  if (value !== undefined) return value;
  throw new RampartError('INVALID_ARGUMENT', `${option} needs ${missing} beside it; nothing else would be trusted`);
}
