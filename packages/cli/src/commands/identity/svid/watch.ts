import { resolve as resolvePath } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { EXIT } from '../../../exit-code.ts';
import { endpointPathOf } from '../../../launch/agent-socket.ts';
import { renderTime } from '../../../render/moment.ts';
import { examples, type Invocation, type Shell } from '../../../shell.ts';
import { svidData, svidTable } from '../../../views/svids.ts';
import { callWorkloadApi } from '../../../workload-api/client.ts';
import { writeSvidFiles } from '../../../workload-api/svid-files.ts';
import { type SvidSet, svidSetOf } from '../../../workload-api/svid-set.ts';
import { SOCKET_OPTION } from './socket-option.ts';

interface WatchOptions {
  readonly socket?: string;
  readonly write?: string;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

export function defineWatch(parent: Command, shell: Shell): void {
  parent
    .command('watch')
    .description('the X.509-SVIDs of this process, again whenever they change; goes on when the agent is away')
    .option(...SOCKET_OPTION)
    .option('--write <directory>', 'keep PEM files there up to date that only the owner may read')
    .addHelpText(
      'after',
      examples(
        ['rampart svid watch', 'until Ctrl-C'],
        ['rampart svid watch --write /run/app/tls', 'for software that reads files'],
      ),
    )
    .action((options: WatchOptions, command: Command) =>
      shell.run(command, (invocation) => watchSvids(options, invocation)),
    );
}

async function watchSvids(options: WatchOptions, invocation: Invocation): Promise<number> {
  const { io, note } = invocation;
  const path = endpointPathOf(options.socket, io);
  const stop = new AbortController();
  const release = io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => stop.abort());
  let pause = FIRST_PAUSE_MS;
  try {
    while (!stop.signal.aborted) {
      try {
        await callWorkloadApi(path, async (api) => {
          for await (const answer of api.fetchX509SVID({}, { signal: stop.signal })) {
            pause = FIRST_PAUSE_MS;
            await showUpdate(svidSetOf(answer), options, invocation);
          }
        });
      } catch (cause) {
        if (stop.signal.aborted) break;
        // What was asked for wrongly will not be right a moment later (SPIFFE_Workload_Endpoint.md §5).
        if (!(cause instanceof RampartError) || cause.code === 'INVALID_ARGUMENT') throw cause;
        note(`${cause.message}; trying again`);
      }
      await waited(pause, stop.signal, invocation);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    return EXIT.ok;
  } finally {
    release();
  }
}

async function showUpdate(set: SvidSet, { write }: WatchOptions, { io, show, note }: Invocation): Promise<void> {
  const now = io.clock.now();
  const files = write === undefined ? [] : await writeSvidFiles(resolvePath(io.workingDirectory, write), set);
  note(renderTime(now));
  show({ data: () => svidData(set), table: () => svidTable(set, now) });
  if (files.length > 0) note(`wrote ${files.length} files to ${write ?? ''}`);
}

function waited(milliseconds: number, signal: AbortSignal, { io }: Invocation): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = io.clock.after(milliseconds, resolve);
    signal.addEventListener(
      'abort',
      () => {
        timer.cancel();
        resolve();
      },
      { once: true },
    );
  });
}
