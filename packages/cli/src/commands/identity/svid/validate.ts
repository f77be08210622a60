import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { EXIT } from '../../../exit-code.ts';
import { endpointPathOf } from '../../../launch/agent-socket.ts';
import { examples, type Invocation, type Shell } from '../../../shell.ts';
import { callWorkloadApi } from '../../../workload-api/client.ts';
import { SOCKET_OPTION } from './socket-option.ts';

interface ValidateOptions {
  readonly socket?: string;
  readonly audience: string;
  readonly token?: string;
}

export function defineValidate(parent: Command, shell: Shell): void {
  parent
    .command('validate')
    .description("whether a JWT-SVID is good for an audience, by the bundles that this host's agent has")
    .requiredOption('--audience <name>', 'whom it must be meant for')
    .option('--token <file>', 'file that holds the token (default: standard input)')
    .option(...SOCKET_OPTION)
    .addHelpText('after', examples(['rampart svid validate --audience orders-api < token', 'exit code 1 says no']))
    .action((options: ValidateOptions, command: Command) =>
      shell.run(command, (invocation) => validate(options, invocation)),
    );
}

async function validate({ socket, audience, token }: ValidateOptions, invocation: Invocation): Promise<number> {
  const { io, show } = invocation;
  const svid = (
    token === undefined ? await io.readStdin() : await readToken(resolve(io.workingDirectory, token))
  ).trim();
  if (svid === '')
    throw new RampartError('INVALID_ARGUMENT', 'there is no token on standard input; or use --token FILE');
  try {
    const { spiffeId, claims = {} } = await callWorkloadApi(endpointPathOf(socket, io), (api) =>
      api.validateJWTSVID({ audience, svid }),
    );
    show({ data: () => ({ valid: true, spiffeId, claims }), table: () => `valid: ${spiffeId}\n` });
    return EXIT.ok;
  } catch (cause) {
    if (!(cause instanceof RampartError) || cause.code !== 'INVALID_ARGUMENT') throw cause;
    show({
      data: () => ({ valid: false, reason: cause.message }),
      table: () => `not valid: ${cause.message}\n`,
    });
    return EXIT.no;
  }
}

async function readToken(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new RampartError('INVALID_ARGUMENT', `the token cannot be read: ${reason}`, { cause });
  }
}
