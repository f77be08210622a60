import type { CheckDefinition } from '../check.ts';
import type { CheckedInstance } from '../checked-instance.ts';
import type { Probe, ProbeResult } from '../probe.ts';
import type { ProbeLimits } from '../probe-target.ts';
import { probeGrpc } from './grpc-probe.ts';
import { probeHttp } from './http-probe.ts';
import { probeAddress } from './probe-address.ts';
import { connectPlain, connectTls, type ProbeIdentity, type ProbeTarget } from './probe-connection.ts';
import { probeScript } from './script-probe.ts';

/** Runs checks over the network, as whoever `identity` is, or as programs. */
export function createProbe(limits: ProbeLimits, identity: () => ProbeIdentity): Probe {
  return async (instance, check, signal) => {
    try {
      return await probe({ instance, check, signal, limits, identity });
    } catch (error) {
      return { status: 'critical', output: error instanceof Error ? error.message : String(error) };
    }
  };
}

interface Run {
  readonly instance: CheckedInstance;
  readonly check: CheckDefinition;
  readonly signal: AbortSignal;
  readonly limits: ProbeLimits;
  readonly identity: () => ProbeIdentity;
}

async function probe({ instance, check: { kind }, signal, limits, identity }: Run): Promise<ProbeResult> {
  if (kind.type === 'script') return probeScript(kind, signal);
  if (kind.type === 'ttl') return { status: 'critical', output: 'a TTL check is reported, not run' };
  const address = await probeAddress(instance, limits, signal);
  if (!address.ok) return { status: 'critical', output: address.problem };
  const target: ProbeTarget = { instance, address: address.value, port: kind.port ?? instance.port, signal };
  switch (kind.type) {
    case 'tcp': {
      (await connectPlain(target)).destroy();
      return { status: 'passing', output: `TCP connect ${address.value}:${target.port}: accepted` };
    }
    case 'http': {
      const secure = kind.scheme === 'https';
      const socket = secure ? await connectTls(target, identity(), ['http/1.1']) : await connectPlain(target);
      try {
        return await probeHttp(socket, kind, target);
      } finally {
        socket.destroy();
      }
    }
    case 'grpc': {
      const socket = kind.tls ? await connectTls(target, identity(), ['h2']) : await connectPlain(target);
      try {
        return await probeGrpc(socket, kind.service ?? '', signal);
      } finally {
        socket.destroy();
      }
    }
  }
}
