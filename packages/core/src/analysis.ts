export {
  accessMatrix,
  type AccessMatrix,
  type CallerAccess,
  type KnownCaller,
  type RequiredToken,
} from './analysis/access-matrix.ts';
export type { Caller } from './analysis/access/callers.ts';
export { describeCondition, describeOperation, describeSource } from './analysis/access/description.ts';
export { isUnconditional, type Grant } from './analysis/access/grant.ts';
export type { KnownWorkload } from './analysis/known-workload.ts';
export { isIdentifier, shapeOf } from './analysis/path-shape.ts';
export { Replay, type ReplayOptions } from './analysis/replay.ts';
export { OTHER_PATHS } from './analysis/replay/path-tally.ts';
export type { ChangedGroup, ReplayReport, UnknownGroup } from './analysis/replay/report.ts';
export { type CountedRequest, type RecordedRequest, Traffic, type TrafficOptions } from './analysis/replay/traffic.ts';
export { analyze, IGNORE_ANNOTATION, type Analysis } from './analysis/lint/analyze.ts';
export type { AnalyzedMeshParts, MeshState } from './analysis/lint/analyzed-mesh.ts';
export type { Finding, Severity, UncheckedLint } from './analysis/lint/lint.ts';
export { LINTS } from './analysis/lint/lints.ts';
export { suggestionDocument } from './analysis/suggest/document.ts';
export type { SuggestedOperation, SuggestedRule } from './analysis/suggest/operations.ts';
export {
  type SuggestedPolicies,
  type SuggestionLeftOut,
  TrafficSample,
  type TrafficSampleOptions,
} from './analysis/suggest.ts';
export { parsePolicyTests, parseWorkloads, type ParsedSuite } from './analysis/policy-test/read-suite.ts';
export { knownWorkloads } from './analysis/policy-test/read-workloads.ts';
export {
  runPolicyTests,
  type CaseFailure,
  type CaseResult,
  type SuiteResult,
} from './analysis/policy-test/run-suite.ts';
export type { PolicyTestCase, PolicyTestSuite } from './analysis/policy-test/suite.ts';
export { tolerated, type TrafficFinding } from './analysis/traffic/finding.ts';
export type { TrafficSurroundings } from './analysis/traffic/known-hosts.ts';
export { TrafficReview } from './analysis/traffic/review.ts';
