import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { EXIT } from '../../../exit-code.ts';
import { endpointPathOf } from '../../../launch/agent-socket.ts';
import { examples, type Invocation, type Shell } from '../../../shell.ts';
import { svidData, svidTable } from '../../../views/svids.ts';
import { callWorkloadApi } from '../../../workload-api/client.ts';
import { writeSvidFiles } from '../../../workload-api/svid-files.ts';
import { type SvidSet, svidSetOf } from '../../../workload-api/svid-set.ts';
import { SOCKET_OPTION } from './socket-option.ts';

interface FetchOptions {
  readonly socket?: string;
  readonly write?: string;
}

export function defineFetch(parent: Command, shell: Shell): void {
  parent
    .command('fetch', { isDefault: true })
    .description('the X.509-SVIDs of this process')
    .option(...SOCKET_OPTION)
    .option(
      '--write <directory>',
      'write certificates, keys and bundles there as PEM files that only the owner may read',
    )
    .addHelpText(
      'after',
      examples(
        ['rampart svid fetch', 'who this process is'],
        ['rampart svid fetch --write tls', 'tls/svid.0.pem, tls/svid.0.key, tls/bundle.0.pem'],
      ),
    )
    .action((options: FetchOptions, command: Command) =>
      shell.run(command, (invocation) => fetchSvids(options, invocation)),
    );
}

async function fetchSvids({ socket, write }: FetchOptions, { io, show, note }: Invocation): Promise<number> {
  const set = await callWorkloadApi(endpointPathOf(socket, io), async (api): Promise<SvidSet> => {
    for await (const answer of api.fetchX509SVID({})) return svidSetOf(answer);
    throw new RampartError('IDENTITY_NOT_READY', 'the agent ended the call without an answer; try again');
  });
  const files = write === undefined ? [] : await writeSvidFiles(resolve(io.workingDirectory, write), set);
  show({
    data: () => ({ ...svidData(set), ...(files.length === 0 ? {} : { files }) }),
    table: () => svidTable(set, io.clock.now()),
  });
  for (const file of files) note(`wrote ${file}`);
  return EXIT.ok;
}
