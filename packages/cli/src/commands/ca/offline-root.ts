import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import { type Command, Option } from 'commander';
import { parseDuration } from '../../arguments/duration.ts';
import { EXIT } from '../../exit-code.ts';
import { renderTime } from '../../render/moment.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { readText, writeText } from './files.ts';
import { type PassphraseOptions, passphraseOptions, readPassphrase } from './passphrase.ts';
import { derOf, pemOf } from './pem.ts';

const DAY_MS = 24 * 3_600_000;
const ROOT_LIFE_MS = 3650 * DAY_MS;
const INTERMEDIATE_LIFE_MS = 365 * DAY_MS;

interface InitOptions extends PassphraseOptions {
  readonly offline: string;
  readonly trustDomain: string;
  readonly life: number;
}

interface SignOptions extends PassphraseOptions {
  readonly root: string;
  readonly life: number;
  readonly out?: string;
}

/** A root that never sees a network. Nothing here calls a control plane. */
export function defineOfflineRoot(parent: Command, shell: Shell): void {
  const init = parent
    .command('init')
    .description('make a root in a directory of its own, its key encrypted under a passphrase; needs no network')
    .requiredOption('--offline <directory>', 'where it is kept; made when it is missing')
    .option('--trust-domain <name>', 'whose root it is', 'cluster.local')
    .addOption(
      new Option('--life <duration>', 'how long it lives').argParser(parseDuration).default(ROOT_LIFE_MS, '3650d'),
    )
    .addHelpText(
      'after',
      examples(
        ['rampart ca init --offline /media/root --passphrase-file words', 'on a machine without network'],
        ['rampart ca init --offline /media/root --trust-domain example.org', 'asks for the passphrase, twice'],
      ),
    )
    .action((options: InitOptions, command: Command) =>
      shell.run(command, (invocation) => initRoot(options, invocation)),
    );
  const sign = parent
    .command('sign')
    .description('sign the request for an intermediate with an offline root; needs no network')
    .argument('<request>', 'PEM signing request of "rampart ca request", or - for standard input')
    .requiredOption('--root <directory>', 'directory of "rampart ca init --offline"')
    .addOption(
      new Option('--life <duration>', 'how long the intermediate lives, at most until the root ends')
        .argParser(parseDuration)
        .default(INTERMEDIATE_LIFE_MS, '365d'),
    )
    .option('--out <file>', 'write the chain there (default: standard output)')
    .addHelpText(
      'after',
      examples([
        'rampart ca sign --root /media/root request.csr --out chain.pem',
        'then: rampart ca install chain.pem',
      ]),
    )
    .action((file: string, options: SignOptions, command: Command) =>
      shell.run(command, (invocation) => signRequest(file, options, invocation)),
    );
  for (const option of passphraseOptions()) {
    init.addOption(option);
    sign.addOption(option);
  }
}

async function initRoot(options: InitOptions, { io, show }: Invocation): Promise<number> {
  const { createOfflineRoot } = await import('@rampart/server/offline-root');
  const directory = resolve(io.workingDirectory, options.offline);
  const passphrase = await readPassphrase(options, io, { use: 'new', of: 'root' });
  const { trustDomain, life: lifeMs } = options;
  const root = await createOfflineRoot({ directory, passphrase, trustDomain, lifeMs, now: io.clock.now() });
  const { serial, notAfter } = root;
  show({
    data: () => ({
      directory,
      trustDomain,
      serial,
      notAfter: renderTime(notAfter),
      certificate: pemOf(root.der, 'CERTIFICATE'),
    }),
    table: () => `root ${serial} of ${trustDomain} in ${directory}; it ends ${renderTime(notAfter)}\n`,
  });
  return EXIT.ok;
}

async function signRequest(
  file: string,
  options: SignOptions,
  { io, show, note, globals }: Invocation,
): Promise<number> {
  const { openOfflineRoot, signWithOfflineRoot } = await import('@rampart/server/offline-root');
  const [csr, second] = derOf(await readText(file, io), 'CERTIFICATE REQUEST', file);
  if (csr === undefined || second !== undefined) {
    throw new RampartError('INVALID_CSR', `${file} holds several requests; sign one after the other`);
  }
  const directory = resolve(io.workingDirectory, options.root);
  const root = await openOfflineRoot(directory, await readPassphrase(options, io, { use: 'known', of: 'root' }));
  const signed = await signWithOfflineRoot(root, { csr, lifeMs: options.life, now: io.clock.now() });
  const pem = signed.chain.map((der) => pemOf(der, 'CERTIFICATE')).join('');
  if (globals.output === 'table') await writeText(pem, options.out, io);
  else
    show({
      data: () => ({ serial: signed.serial, notAfter: renderTime(signed.notAfter), chain: pem }),
      table: () => pem,
    });
  note(
    `intermediate ${signed.serial} ends ${renderTime(signed.notAfter)}; on the control plane: rampart ca install CHAIN`,
  );
  return EXIT.ok;
}
