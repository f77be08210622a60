import { MESH_UNKNOWN } from '../../lint/analyzed-mesh.ts';
import type { Lint } from '../../lint/lint.ts';

export const outdatedDataPlane: Lint = {
  code: 'RAMP4006',
  name: 'outdated-data-plane',
  severity: 'warning',
  title: 'a data plane is of another version than the control plane',
  find: ({ state }) => {
    if (state === undefined) return { notChecked: MESH_UNKNOWN };
    return state.planes
      .filter(({ version }) => version !== state.version)
      .map(({ name, version }) => ({
        message: `data plane ${name} is of version ${version}, the control plane of ${state.version}: update it`,
      }));
  },
};
