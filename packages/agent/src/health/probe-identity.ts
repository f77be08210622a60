import { type Clock, fail, ok, RampartError } from '@rampart/core';
import { identifyByChain, presentedChain, type SvidSource } from '@rampart/mesh';
import type { ProbeIdentity } from '@rampart/registry/health';
import type { HostView } from '../entries/host-view.ts';

export interface ProbeIdentityParts {
  readonly identity: Pick<SvidSource, 'current'>;
  readonly view: Pick<HostView, 'bundle' | 'revocationOf'>;
  readonly clock: Clock;
}

/** The agent as those see it whose checks it runs, and how it finds out who they are. @throws RampartError CONTROL_PLANE_UNREACHABLE */
export function probeIdentity({ identity, view, clock }: ProbeIdentityParts): ProbeIdentity {
  const { current } = identity;
  if (current === undefined) throw new RampartError('CONTROL_PLANE_UNREACHABLE', 'the agent has no certificate yet');
  const { trustDomain } = current.spiffeId;
  return {
    credentials: { certificateChain: current.tls.cert, privateKey: current.tls.key },
    verifier: {
      verify: (socket) => {
        const peer = identifyByChain(presentedChain(socket), {
          trustDomain,
          roots: view.bundle(trustDomain.name)?.roots ?? current.bundle.roots,
          foreignRootsOf: () => undefined,
          revocationOf: (certificate) => view.revocationOf(certificate),
          now: () => clock.now(),
        });
        return peer.ok ? ok({ id: peer.value.spiffeId }) : fail(peer.problem);
      },
    },
  };
}
