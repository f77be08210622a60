import type { Lint } from '../../lint/lint.ts';

export const mtlsDisabled: Lint = {
  code: 'RAMP1004',
  name: 'mtls-disabled',
  severity: 'error',
  title: 'mutual TLS is turned off',
  find: (mesh) =>
    mesh
      .ofKind('PeerAuthentication')
      .filter(({ spec }) => spec.mtls?.mode === 'DISABLE')
      .map((resource) => ({
        resource,
        field: 'spec.mtls.mode',
        message:
          'DISABLE turns mutual TLS off, also for callers that would use it: set STRICT, or PERMISSIVE while you migrate',
      })),
};
