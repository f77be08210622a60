import type { DataPlaneStatus } from '@rampart/wire';
import type { Palette } from '../render/colour.ts';
import { renderSpan, renderTime } from '../render/moment.ts';
import { shortIdentity } from '../render/names.ts';
import { type Cell, columnsOf, renderTable } from '../render/table.ts';
import { truncate } from '../render/text.ts';

/** What a table of data planes is drawn against. */
export interface DataPlaneView {
  /** Revision of the mesh. */
  readonly revision: bigint;
  /** Unix milliseconds. */
  readonly now: number;
  readonly palette: Palette;
  readonly trustDomain: string;
  /** Characters that the last column may have; what is longer is cut. Undefined cuts nothing. */
  readonly longestProblem?: number;
}

/** Data planes, and whether each enforces the newest revision. */
export function renderDataPlanes(planes: readonly DataPlaneStatus[], view: DataPlaneView): string {
  return renderTable(
    columnsOf('DATA PLANE', 'IDENTITY', 'KIND', 'VERSION', '>REVISION', '>CONNECTED', 'ENFORCES'),
    planes.map((plane) => [
      plane.dataPlaneId,
      shortIdentity(plane.spiffeId, view.trustDomain),
      plane.kind,
      plane.version,
      String(plane.ackedRevision),
      renderSpan(view.now - Number(plane.connectedAt)),
      stateOf(plane, view),
    ]),
  );
}

function stateOf(plane: DataPlaneStatus, { revision, palette, longestProblem }: DataPlaneView): Cell {
  if (plane.problem !== '') return { text: truncate(plane.problem, longestProblem ?? Infinity), paint: palette.bad };
  return plane.ackedRevision >= revision
    ? { text: 'everything', paint: palette.good }
    : { text: `behind by ${revision - plane.ackedRevision}`, paint: palette.warn };
}

/** A data plane as plain data. */
export function dataPlaneData(plane: DataPlaneStatus): object {
  return {
    id: plane.dataPlaneId,
    spiffeId: plane.spiffeId,
    kind: plane.kind,
    version: plane.version,
    ackedRevision: Number(plane.ackedRevision),
    problem: plane.problem,
    connectedAt: renderTime(Number(plane.connectedAt)),
  };
}
