import type { Command } from 'commander';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { readText, writeText } from './files.ts';
import { derOf, pemOf } from './pem.ts';
import { step } from './steps.ts';

interface RequestOptions {
  readonly new?: true;
  readonly out?: string;
}

/** What goes to whoever signs elsewhere, and what comes back. */
export function defineCaExchange(parent: Command, shell: Shell): void {
  parent
    .command('request')
    .description('a signing request for the next intermediate, for a root that is kept elsewhere')
    .option('--out <file>', 'write it there (default: standard output)')
    .option('--new', 'forget the request that is out, and make a new key')
    .addHelpText(
      'after',
      examples(
        ['rampart ca request --out request.csr', 'the key stays in the control plane'],
        ['rampart ca sign --root DIR request.csr', 'next, on the machine without network'],
      ),
    )
    .action((options: RequestOptions, command: Command) =>
      shell.run(command, (invocation) => request(options, invocation)),
    );
  parent
    .command('install')
    .description('take what was signed elsewhere: the intermediate first, its root last; it is prepared then')
    .argument('<file>', 'PEM chain, or - for standard input')
    .option('--activate', 'sign with it at once, if its root has been known for a day')
    .option('--now', 'with --activate: do not wait until a new root is a day old')
    .addHelpText(
      'after',
      examples(
        ['rampart ca install chain.pem', 'then: rampart ca activate'],
        ['rampart ca install chain.pem --activate', 'where the root is known already'],
      ),
    )
    .action((file: string, options: InstallOptions, command: Command) =>
      shell.run(command, (invocation) => install(file, options, invocation)),
    );
}

async function request(options: RequestOptions, { withAdmin, io, show, note, globals }: Invocation): Promise<number> {
  const { csr } = await withAdmin((client) => client.requestAuthority({ fresh: options.new === true }));
  const pem = pemOf(csr, 'CERTIFICATE REQUEST');
  if (globals.output === 'table') await writeText(pem, options.out, io);
  else show({ data: () => ({ request: pem }), table: () => pem });
  note('have it signed, then: rampart ca install CHAIN');
  return EXIT.ok;
}

interface InstallOptions {
  readonly activate?: true;
  readonly now?: true;
}

async function install(file: string, options: InstallOptions, invocation: Invocation): Promise<number> {
  const chain = derOf(await readText(file, invocation.io), 'CERTIFICATE', file);
  if (options.activate !== true) {
    return step(invocation, 'prepared', (client) => client.installAuthority({ chain }));
  }
  return step(invocation, 'active', async (client) => {
    const { authority } = await client.installAuthority({ chain });
    const now = options.now === true;
    return client.activateAuthority({ kind: 'intermediate', serial: authority?.serial ?? '', now });
  });
}
