import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { parseSerial } from '../arguments/serial.ts';
import { EXIT } from '../exit-code.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

export function defineCertsRevoke(parent: Command, shell: Shell): void {
  parent
    .command('revoke')
    .description('revoke a certificate: every data plane closes the connections that use it')
    .argument('<serial>', 'serial number in hexadecimal, as "rampart certs list" shows it')
    .requiredOption('--reason <text>', 'why; kept in the audit log')
    .addHelpText('after', examples(['rampart certs revoke 5fd1c3 --reason "laptop stolen"', 'shut it out now']))
    .action((serial: string, options: { readonly reason: string }, command: Command) =>
      shell.run(command, (invocation) => revoke({ serial, reason: options.reason }, invocation)),
    );
}

async function revoke(
  request: { readonly serial: string; readonly reason: string },
  { withAdmin, show }: Invocation,
): Promise<number> {
  const serial = parseSerial(request.serial);
  const { revoked } = await withAdmin((client) => client.revokeCertificate({ serial, reason: request.reason }));
  if (!revoked)
    throw new RampartError(
      'NOT_FOUND',
      `no certificate that can still be revoked has the serial ${serial}; "rampart certs list" lists them`,
    );
  show({
    data: () => ({ serial, revoked: true, reason: request.reason }),
    table: () => `certificate ${serial} revoked\n`,
  });
  return EXIT.ok;
}
