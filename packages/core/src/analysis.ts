export { accessMatrix, type AccessMatrix, type CallerAccess } from './analysis/access-matrix.ts';
export type { Caller } from './analysis/access/callers.ts';
export { describeCondition, describeOperation, describeSource } from './analysis/access/description.ts';
export { isUnconditional, type Grant } from './analysis/access/grant.ts';
export type { KnownWorkload } from './analysis/known-workload.ts';
