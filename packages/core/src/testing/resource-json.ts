/** Resources as JSON, right or wrong, in the words of a test. */
export const base = (kind: string, spec: unknown): Record<string, unknown> => ({
  apiVersion: 'security.istio.io/v1',
  kind,
  metadata: { name: 'x', namespace: 'shop' },
  spec,
});
export const policy = (spec: unknown): Record<string, unknown> => base('AuthorizationPolicy', spec);
export const rule = (part: unknown): Record<string, unknown> => policy({ rules: [part] });
export const source = (fields: unknown): Record<string, unknown> => rule({ from: [{ source: fields }] });
export const operation = (fields: unknown): Record<string, unknown> => rule({ to: [{ operation: fields }] });
export const when = (...conditions: unknown[]): Record<string, unknown> => rule({ when: conditions });
export const peer = (spec: unknown): Record<string, unknown> => base('PeerAuthentication', spec);
export const custom = (part: unknown): Record<string, unknown> =>
  policy({ action: 'CUSTOM', provider: { name: 'p' }, rules: [part] });
export const labelled: { readonly selector: object } = { selector: { matchLabels: { app: 'a' } } };
