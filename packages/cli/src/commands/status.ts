import type { GetStatusResponse } from '@rampart/wire';
import type { Command } from 'commander';
import { EXIT } from '../exit-code.ts';
import { dataPlaneData, renderDataPlanes } from '../views/data-planes.ts';
import { renderSpan, renderTime } from '../render/moment.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

export function defineStatus(parent: Command, shell: Shell): void {
  parent
    .command('status')
    .description('how the mesh is: control plane, services, and what each data plane enforces')
    .addHelpText(
      'after',
      examples(['rampart status', 'one screen'], ['rampart status -o json', 'the same for a script']),
    )
    .action((_options: unknown, command: Command) => shell.run(command, showStatus));
}

// One screen; "rampart get dataplanes" and the data forms have the whole of it.
const LONGEST_PROBLEM = 60;

async function showStatus({ withAdmin, settings, show, io, palette }: Invocation): Promise<number> {
  const { address } = await settings();
  const status = await withAdmin((client) => client.getStatus({}));
  show({
    data: () => statusData(status, address),
    table: () => {
      const facts = factsOf(status, { address, now: io.clock.now() });
      const planes =
        status.planes.length === 0
          ? ''
          : `\n${renderDataPlanes(status.planes, {
              revision: status.revision,
              now: io.clock.now(),
              palette,
              trustDomain: status.trustDomain,
              longestProblem: LONGEST_PROBLEM,
            })}`;
      return `${facts.map(([name, value]) => `${name.padEnd(14)}${value}\n`).join('')}${planes}`;
    },
  });
  return EXIT.ok;
}

function factsOf(
  status: GetStatusResponse,
  at: { readonly address: string; readonly now: number },
): [string, string][] {
  return [
    ['Control plane', `${at.address} (Rampart ${status.version}, up ${renderSpan(at.now - Number(status.startedAt))})`],
    ['Trust domain', status.trustDomain],
    ['Revision', String(status.revision)],
    ['Services', `${status.services} (${status.instances} ${status.instances === 1 ? 'instance' : 'instances'})`],
    ['Data planes', String(status.dataPlanes)],
  ];
}

function statusData(status: GetStatusResponse, address: string): object {
  return {
    address,
    version: status.version,
    trustDomain: status.trustDomain,
    revision: Number(status.revision),
    startedAt: renderTime(Number(status.startedAt)),
    services: status.services,
    instances: status.instances,
    dataPlanes: status.planes.map(dataPlaneData),
  };
}
