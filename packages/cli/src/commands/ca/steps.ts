import type { CertificateAuthority } from '@rampart/wire';
import { RampartError } from '@rampart/core';
import { Argument, type Command } from 'commander';
import type { AdminClient } from '../../connection/admin-connection.ts';
import { EXIT } from '../../exit-code.ts';
import { renderTime } from '../../render/moment.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import type { Io } from '../../io.ts';
import { authorityData } from './authority-view.ts';
import { readText } from './files.ts';
import { derOf } from './pem.ts';

type Kind = 'root' | 'intermediate';

export function defineCaSteps(parent: Command, shell: Shell): void {
  definePrepare(parent, shell);
  defineActivate(parent, shell);
  defineTaint(parent, shell);
  defineRevoke(parent, shell);
}

function kindArgument(): Argument {
  return new Argument('[kind]', 'what is meant').choices(['root', 'intermediate']).default('intermediate');
}

interface PrepareOptions {
  readonly certificate?: string;
}

function definePrepare(parent: Command, shell: Shell): void {
  parent
    .command('prepare')
    .description('make the next intermediate or root; nothing is signed with it yet, a root is published at once')
    .addArgument(kindArgument())
    .option('--certificate <file>', 'PEM: publish this root, whose key is kept elsewhere, instead of making one')
    .addHelpText(
      'after',
      examples(
        ['rampart ca prepare', 'the next intermediate, before its time'],
        ['rampart ca prepare root', 'the next root: everybody hears of it, nobody needs it yet'],
        ['rampart ca prepare root --certificate next-root.pem', 'the same, of a root on a disk or of an external CA'],
      ),
    )
    .action((kind: Kind, { certificate: file }: PrepareOptions, command: Command) =>
      shell.run(command, async (invocation) => {
        const certificate = file === undefined ? new Uint8Array() : await readRoot(file, invocation.io);
        return step(invocation, 'prepared', (client) => client.prepareAuthority({ kind, certificate }));
      }),
    );
}

async function readRoot(file: string, io: Io): Promise<Uint8Array> {
  const [root, second] = derOf(await readText(file, io), 'CERTIFICATE', file);
  if (root !== undefined && second === undefined) return root;
  throw new RampartError('INVALID_CERTIFICATE', `${file} holds several certificates; publish one root after the other`);
}

interface ActivateOptions {
  readonly serial?: string;
  readonly now?: boolean;
}

function defineActivate(parent: Command, shell: Shell): void {
  parent
    .command('activate')
    .description('sign with the prepared one from now on; what the last one signed stays good')
    .addArgument(kindArgument())
    .option('--serial <serial>', 'which one, where several are prepared')
    .option('--now', 'do not wait until a new root is a day old; a workload that was cut off may not know it yet')
    .addHelpText(
      'after',
      examples(
        ['rampart ca activate', 'the prepared intermediate signs'],
        ['rampart ca activate root', 'the prepared root signs intermediates, a day after it was published'],
      ),
    )
    .action((kind: Kind, { serial, now = false }: ActivateOptions, command: Command) =>
      shell.run(command, (invocation) =>
        step(invocation, 'active', (client) =>
          client.activateAuthority({ kind, serial: serial === undefined ? '' : parseSerial(serial), now }),
        ),
      ),
    );
}

interface ReasonOptions {
  readonly reason: string;
}

function defineTaint(parent: Command, shell: Shell): void {
  parent
    .command('taint')
    .description('replace everything that an authority signed: every data plane gets a new certificate at once')
    .argument('<serial>', 'serial number in hexadecimal, as "rampart ca" shows it')
    .requiredOption('--reason <text>', 'why; kept in the audit log')
    .addHelpText('after', examples(['rampart ca taint 5fd1c3 --reason "key leaked"', 'nothing is refused yet']))
    .action((serial: string, { reason }: ReasonOptions, command: Command) =>
      shell.run(command, (invocation) =>
        step(invocation, 'tainted', (client) => client.taintAuthority({ serial: parseSerial(serial), reason })),
      ),
    );
}

function defineRevoke(parent: Command, shell: Shell): void {
  parent
    .command('revoke')
    .description('refuse everything that a tainted authority signed, for good')
    .argument('<serial>', 'serial number in hexadecimal, as "rampart ca" shows it')
    .requiredOption('--reason <text>', 'why; kept in the audit log')
    .addHelpText('after', examples(['rampart ca revoke 5fd1c3 --reason "key leaked"', 'after the taint']))
    .action((serial: string, { reason }: ReasonOptions, command: Command) =>
      shell.run(command, (invocation) =>
        step(invocation, 'revoked', (client) => client.revokeAuthority({ serial: parseSerial(serial), reason })),
      ),
    );
}

/** One step of one authority, and how it is then. */
export async function step(
  { withAdmin, show }: Invocation,
  outcome: string,
  work: (client: AdminClient) => Promise<{ readonly authority?: CertificateAuthority | undefined }>,
): Promise<number> {
  const { authority } = await withAdmin(work);
  if (authority === undefined) throw new RampartError('INTERNAL', 'the control plane answered without an authority');
  show({ data: () => authorityData(authority), table: () => `${sentence(authority, outcome)}\n` });
  return EXIT.ok;
}

function sentence({ kind, serial, notAfter }: CertificateAuthority, outcome: string): string {
  return `${kind} ${serial} is ${outcome}; it ends ${renderTime(Number(notAfter))}`;
}

// openssl prints serials as "5F:D1:C3"; the control plane keeps them as "5fd1c3".
function parseSerial(text: string): string {
  const serial = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{1,40}$/.test(serial)) return serial;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(text)} is not a serial number in hexadecimal; "rampart ca show" lists them`,
  );
}
