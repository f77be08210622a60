import { isDryRun } from '../../../resource/dry-run.ts';
import type { Lint } from '../../lint/lint.ts';

export const dryRunLeft: Lint = {
  code: 'RAMP2004',
  name: 'dry-run-left',
  severity: 'info',
  title: 'a policy is tried out and not enforced',
  find: (mesh) =>
    mesh
      .ofKind('AuthorizationPolicy')
      .filter(isDryRun)
      .map((resource) => ({
        resource,
        field: 'metadata.annotations["istio.io/dry-run"]',
        message: 'is tried out only and protects nothing: remove the annotation once its verdicts are right',
      })),
};
