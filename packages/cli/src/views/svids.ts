import { renderSpan, renderTime } from '../render/moment.ts';
import { columnsOf, renderTable } from '../render/table.ts';
import type { SvidSet } from '../workload-api/svid-set.ts';

/** One line for each SVID, the default first, then what else was said. */
export function svidTable({ svids, federated, crls }: SvidSet, now: number): string {
  const table = renderTable(
    columnsOf('SPIFFE ID', 'HINT', 'SERIAL', 'EXPIRES', 'LEFT'),
    svids.map(({ spiffeId, hint, serial, notAfter }) => [
      spiffeId,
      hint,
      serial,
      renderTime(notAfter),
      renderSpan(notAfter - now),
    ]),
  );
  const more = [
    ...[...federated.keys()].map((domain) => `federated with ${domain}`),
    ...(crls.length === 0 ? [] : [`${crls.length} revocation lists`]),
  ];
  return `${table}${more.map((line) => `${line}\n`).join('')}`;
}

/** Without the keys. */
export function svidData({ svids, federated, crls }: SvidSet): object {
  return {
    svids: svids.map(({ spiffeId, hint, serial, notAfter, chain, bundle }) => ({
      spiffeId,
      hint,
      serial,
      notAfter: renderTime(notAfter),
      certificates: chain.map((certificate) => certificate.toString()),
      bundle: bundle.map((certificate) => certificate.toString()),
    })),
    federatedTrustDomains: [...federated.keys()],
    revocationLists: crls.length,
  };
}
