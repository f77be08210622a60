import { Code, ConnectError } from '@connectrpc/connect';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Clock } from '@rampart/core';
import type { SpiffeWorkloadAPI } from '@rampart/wire/workload-api';

import type { Caller } from '../endpoint/caller.ts';
import { callerOf } from '../endpoint/endpoint.ts';
import { followState } from '../endpoint/followed-state.ts';
import type { Splay } from '../endpoint/followed-state.ts';
import { bundlesOf, entriesOf } from '../identities/identities.ts';
import type { Identities } from '../identities/identities.ts';
import { Watched } from '../identities/watched.ts';
import {
  bundleDigest,
  bundleOutlook,
  bundleState,
  x509Digest,
  x509Outlook,
  x509State,
} from '../identities/x509-state.ts';
import type { BundleState, X509State } from '../identities/x509-state.ts';
import { checkedAudiences, entriesAskedFor, jwtBundlesResponse, jwtResponse, validateToken } from './jwt.ts';
import { x509BundlesResponse, x509Response } from './x509.ts';

export interface WorkloadApiOptions {
  readonly identities: Identities;
  readonly clock: Pick<Clock, 'now'>;
  readonly splay: Splay;
}

/** The SPIFFE Workload API (SPIFFE_Workload_API.md). WIT-SVIDs are not offered: their methods are not implemented (§4.3). */
export function createWorkloadApi(options: WorkloadApiOptions): ServiceImpl<typeof SpiffeWorkloadAPI> {
  const { identities, clock, splay } = options;
  const { changes } = identities;
  const followBundles = (
    caller: Caller,
    signal: AbortSignal,
    digest: (state: BundleState) => string,
  ): AsyncIterable<BundleState> =>
    followState<BundleState>({
      ...{ changes, splay, signal, digest },
      outlook: () => bundleOutlook(caller, identities, digest),
      look: () => bundleState(caller, identities),
    });
  return {
    async *fetchX509SVID(_, context) {
      const caller = callerOf(context);
      using watched = new Watched(identities.x509);
      const states = followState<X509State>({
        ...{ changes, splay, signal: context.signal, digest: x509Digest },
        outlook: () => x509Outlook(caller, identities),
        look: () => x509State(caller, identities, watched),
      });
      for await (const { held, bundles, crls } of states) yield x509Response(held, bundles, crls);
    },
    async *fetchX509Bundles(_, context) {
      const states = followBundles(callerOf(context), context.signal, bundleDigest);
      for await (const { bundles, crls } of states) yield x509BundlesResponse(bundles, crls);
    },
    async *fetchJWTBundles(_, context) {
      const states = followBundles(callerOf(context), context.signal, keyDigest);
      for await (const { bundles } of states) yield jwtBundlesResponse(bundles);
    },
    async fetchJWTSVID({ audience, spiffeId }, context) {
      const audiences = checkedAudiences(audience);
      const entries = entriesAskedFor(await entriesOf(callerOf(context), identities), spiffeId);
      return jwtResponse(entries, audiences, identities);
    },
    async validateJWTSVID({ audience, svid }, context) {
      checkedAudiences([audience]);
      if (svid === '') throw new ConnectError('svid is missing: the token to judge', Code.InvalidArgument);
      const bundles = bundlesOf(await entriesOf(callerOf(context), identities), identities);
      return validateToken({ token: svid, audience, bundles, view: identities.view, now: clock.now() });
    },
  };
}

function keyDigest({ bundles }: BundleState): string {
  return JSON.stringify(bundles.map(({ trustDomain, jwtAuthorities }) => [trustDomain.name, jwtAuthorities]));
}
