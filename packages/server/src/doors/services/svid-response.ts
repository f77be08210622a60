import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Authority, IssuedSvid } from '@rampart/authority';
import type { SvidResponseSchema } from '@rampart/wire';
import { bundleMessage } from '../../control/mesh-snapshots.ts';

/** A certificate in the form in which it is handed out. */
export function svidResponse(
  svid: IssuedSvid,
  authority: Pick<Authority, 'bundle'>,
): MessageInitShape<typeof SvidResponseSchema> {
  return {
    spiffeId: svid.spiffeId.toString(),
    chain: [...svid.chain],
    bundle: bundleMessage(authority.bundle()),
    ...(svid.workload === undefined ? {} : { workload: { ...svid.workload, labels: { ...svid.workload.labels } } }),
    notBefore: BigInt(svid.notBefore),
    notAfter: BigInt(svid.notAfter),
    renewAt: BigInt(svid.renewAt ?? 0),
  };
}
