import { RampartError, SpiffeId } from '@rampart/core';
import type { TrustDomain } from '@rampart/core';
import type { WorkloadIdentity } from '../store.ts';

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
const LABEL_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const LABEL_PREFIX = /^[a-z0-9.-]{1,253}\/$/;
const MAX_LABELS = 64;

/**
 * The SPIFFE ID of a workload. Throws `RampartError` INVALID_ARGUMENT that names every field that is not what it must be:
 * namespace and service are DNS labels (service may be ""), the service account a DNS name, labels in Kubernetes' syntax.
 */
export function spiffeIdOf(trustDomain: TrustDomain, workload: WorkloadIdentity): SpiffeId {
  const problems = [
    ...(DNS_LABEL.test(workload.namespace) ? [] : ['namespace must be a DNS label']),
    ...(isDnsName(workload.serviceAccount) ? [] : ['serviceAccount must be a DNS name']),
    ...(workload.service === '' || DNS_LABEL.test(workload.service) ? [] : ['service must be a DNS label or empty']),
    ...labelProblems(workload.labels),
  ];
  if (problems.length > 0)
    throw new RampartError('INVALID_ARGUMENT', `this workload cannot be given an identity: ${problems.join('; ')}`);
  return SpiffeId.forWorkload(trustDomain, workload.namespace, workload.serviceAccount);
}

function isDnsName(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => DNS_LABEL.test(label));
}

function labelProblems(labels: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) return [`labels must be at most ${MAX_LABELS}`];
  const bad = entries.filter(([key, value]) => !isLabelKey(key) || !(value === '' || LABEL_NAME.test(value)));
  return bad.map(([key]) => `labels[${JSON.stringify(key)}] must be in the syntax of Kubernetes labels`);
}

function isLabelKey(key: string): boolean {
  const name = key.slice(key.indexOf('/') + 1);
  const prefix = key.slice(0, key.length - name.length);
  return LABEL_NAME.test(name) && (prefix === '' || LABEL_PREFIX.test(prefix));
}
