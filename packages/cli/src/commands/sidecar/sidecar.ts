import { RampartError } from '@rampart/core';
import type { Sidecar } from '@rampart/proxy';
import type { Command } from 'commander';
import { type WorkloadOptions, workloadOptions } from '../../arguments/workload-options.ts';
import { EXIT } from '../../exit-code.ts';
import { type InstanceOptions, instanceOptions } from '../../launch/instance-options.ts';
import {
  launchSidecar,
  leaveMesh,
  type SidecarOptions,
  sidecarOptions,
  START_MS,
} from '../../launch/sidecar-launch.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { defineNftables } from './nftables.ts';

export function defineSidecar(parent: Command, shell: Shell): void {
  const sidecar = parent
    .command('sidecar')
    .description(
      'take an application of any language into the mesh: mutual TLS and policy in front of it, a proxy for its calls',
    )
    .addHelpText(
      'after',
      examples(
        ['rampart sidecar --service orders-api --app-port 8000', 'the mesh calls what listens on 127.0.0.1:8000'],
        ['rampart sidecar --service orders-db --app-port 5432 --app-protocol tcp', 'something without HTTP'],
        ['rampart sidecar --service-account batch --proxy-port 15001', 'calls only: http_proxy=http://127.0.0.1:15001'],
        ['rampart sidecar --service-account batch --redirect-port 15001', 'see "rampart sidecar nftables --help"'],
        [
          'rampart sidecar --service egress-gateway --egress-gateway',
          'a way out of the mesh for services that rules send here',
        ],
        ['rampart run --service web --app-port 8000 -- python3 -m http.server 8000', 'application and sidecar in one'],
      ),
    )
    .action((options: SidecarOptions & WorkloadOptions & InstanceOptions, command: Command) =>
      shell.run(command, (invocation) => runSidecar(options, invocation)),
    );
  for (const option of [...workloadOptions(), ...sidecarOptions(), ...instanceOptions()]) sidecar.addOption(option);
  defineNftables(sidecar, shell);
}

async function runSidecar(
  options: SidecarOptions & WorkloadOptions & InstanceOptions,
  invocation: Invocation,
): Promise<number> {
  const { io, note } = invocation;
  io.becomeLean('sidecar');
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<'interrupted'>();
  const { promise: hurried, resolve: hurry } = Promise.withResolvers<void>();
  let signals = 0;
  const release = io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => {
    signals += 1;
    if (signals === 1) interrupt('interrupted');
    else hurry();
  });
  try {
    const sidecar = await launchSidecar(options, invocation);
    try {
      const readiness = await Promise.race([sidecar.whenReady(START_MS), interrupted]);
      if (readiness === 'refused') throw refused();
      if (readiness === 'late') note('no identity or no policy yet: every connection is refused until they arrive');
      if (readiness !== 'interrupted') announce(sidecar, options, invocation);
      await interrupted;
    } finally {
      note('leaving the mesh');
      await leaveMesh(sidecar, hurried);
    }
    return EXIT.ok;
  } finally {
    release();
  }
}

function refused(): RampartError {
  return new RampartError(
    'INVALID_JOIN_TOKEN',
    'the control plane refuses this sidecar; make a token with "rampart token create --service NAME" and start it again',
  );
}

function announce(
  sidecar: Sidecar,
  { appHost, appPort, egressGateway, metricsHost }: SidecarOptions,
  invocation: Invocation,
): void {
  const { io, globals, renderData } = invocation;
  const spiffeId = sidecar.plane.identity.current?.spiffeId.toString() ?? '';
  const { meshPort, proxyPort, socksPort, redirectPort, dnsPort, metricsPort } = sidecar;
  if (globals.output !== 'table') {
    io.stdout.write(renderData({ spiffeId, meshPort, proxyPort, socksPort, redirectPort, dnsPort, metricsPort }));
    return;
  }
  const lines = [spiffeId === '' ? 'no identity yet' : spiffeId];
  if (meshPort !== undefined)
    lines.push(
      `  in    port ${meshPort} of the mesh → ${egressGateway === true ? 'hosts outside' : `${appHost}:${appPort ?? 0}`}`,
    );
  lines.push(`  out   http_proxy=http://127.0.0.1:${proxyPort}`);
  if (socksPort !== undefined) lines.push(`        socks5h://127.0.0.1:${socksPort}`);
  if (redirectPort !== undefined) lines.push(`        what nftables brings to port ${redirectPort}`);
  if (dnsPort !== undefined) lines.push(`  dns   127.0.0.1:${dnsPort}`);
  if (metricsPort !== undefined) lines.push(`  ops   http://${metricsHost}:${metricsPort}/metrics`);
  io.stdout.write(`${lines.join('\n')}\n`);
}
