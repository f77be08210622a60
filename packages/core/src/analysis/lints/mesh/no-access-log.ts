import { MESH_UNKNOWN } from '../../lint/analyzed-mesh.ts';
import type { Lint } from '../../lint/lint.ts';

export const noAccessLog: Lint = {
  code: 'RAMP4005',
  name: 'no-access-log',
  severity: 'warning',
  title: 'there are data planes, but no request is on record',
  find: ({ state }) => {
    if (state === undefined) return { notChecked: MESH_UNKNOWN };
    if (state.hasAccessLog || state.planes.length === 0) return [];
    const { length } = state.planes;
    return [
      {
        message: `${length === 1 ? 'a data plane is' : `${length} data planes are`} connected and no request is on record: nobody has called, or records do not arrive and no breach could be investigated`,
      },
    ];
  },
};
