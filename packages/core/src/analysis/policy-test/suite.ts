import type { Callee, Question } from '../../policy/question.ts';
import type { Resource } from '../../resource/resource.ts';
import type { TextPosition } from '../../document/problem-list.ts';

/** A file of unit tests for policies. */
export interface PolicyTestSuite {
  readonly file: string;
  /** Names of further files with policies, relative to this one, and where they are named. */
  readonly policyFiles: readonly ({ readonly name: string } & TextPosition)[];
  /** Policies that stand in the file itself. */
  readonly policies: readonly Resource[];
  readonly trustDomain: string;
  readonly rootNamespace: string;
  readonly tests: readonly PolicyTestCase[];
}

/** One expectation, and the requests that must meet it: every combination of what the test lists. */
export interface PolicyTestCase extends TextPosition {
  readonly name: string;
  readonly questions: readonly Question[];
  readonly expected: Expectation;
}

/** What a verdict must be; what is absent does not matter. */
export interface Expectation {
  readonly decision: 'ALLOW' | 'DENY';
  /** "namespace/name" of the policy that decides. */
  readonly policy?: string;
  readonly rule?: number;
  /** Text that the reason must hold. */
  readonly reason?: string;
}

/** A workload by the name of the service that it stands behind. */
export type WorkloadsByService = ReadonlyMap<string, Callee & { readonly protocol: string }>;
