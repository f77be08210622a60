import type { Command } from 'commander';
import { EXIT } from '../../../exit-code.ts';
import { endpointPathOf } from '../../../launch/agent-socket.ts';
import { examples, type Invocation, type Shell } from '../../../shell.ts';
import { callWorkloadApi } from '../../../workload-api/client.ts';
import { SOCKET_OPTION } from './socket-option.ts';

interface JwtOptions {
  readonly socket?: string;
  readonly audience: readonly string[];
  readonly spiffeId?: string;
}

export function defineJwt(parent: Command, shell: Shell): void {
  parent
    .command('jwt')
    .description('a JWT-SVID of this process, alone on standard output; one line for each identity that it has')
    .requiredOption('--audience <name...>', 'whom the token is meant for')
    .option('--spiffe-id <id>', 'which identity, when this process has several')
    .option(...SOCKET_OPTION)
    .addHelpText('after', examples(['rampart svid jwt --audience orders-api', 'a token for orders-api']))
    .action((options: JwtOptions, command: Command) =>
      shell.run(command, (invocation) => fetchTokens(options, invocation)),
    );
}

async function fetchTokens({ socket, audience, spiffeId = '' }: JwtOptions, invocation: Invocation): Promise<number> {
  const { io, show, note } = invocation;
  const { svids } = await callWorkloadApi(endpointPathOf(socket, io), (api) =>
    api.fetchJWTSVID({ audience: [...audience], spiffeId }),
  );
  show({
    data: () => svids.map(({ spiffeId: id, svid, hint }) => ({ spiffeId: id, hint, token: svid })),
    table: () => svids.map(({ svid }) => `${svid}\n`).join(''),
  });
  for (const svid of svids) note(`of ${svid.spiffeId}, for ${audience.join(', ')}`);
  return EXIT.ok;
}
