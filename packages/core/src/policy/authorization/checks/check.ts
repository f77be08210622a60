import type { ConnectionAttributes, RequestAttributes } from '../../attributes.ts';
import { parseIpAddress, type IpAddress } from '../../match/address/ip-block.ts';
import type { PathPattern } from '../../match/path-pattern.ts';

/** A connection's attributes, with what many rules ask of them worked out once. */
export interface ConnectionFacts {
  readonly attributes: ConnectionAttributes;
  readonly sourceIp: IpAddress | undefined;
  readonly destinationIp: IpAddress | undefined;
}

/** What a check is about, in the words of an explanation. */
export interface Subject {
  /** "principal", "path", "header x-api-key". */
  readonly label: string;
  /** Undefined when the caller or request has none. */
  read(facts: ConnectionFacts, request: RequestAttributes | undefined): string | undefined;
  /** Whether the value may stand in logs and answers; those of headers and claims may be credentials. */
  readonly isPublic: boolean;
  /** Whether only HTTP has it. */
  readonly isHttp: boolean;
  /** Whether a verified token brings it. */
  readonly isOfToken?: boolean;
}

/** One field of a rule: it holds, or the rule does not match. */
export interface Check<Input> {
  /** "rules[0].from[0].source.principals". */
  readonly field: string;
  readonly subject: Subject;
  /** Whether it is one of the `not…` fields; the test has that in it. */
  readonly negated: boolean;
  readonly test: (input: Input) => boolean;
}

/** A check that a connection alone decides. */
export interface ConnectionCheck extends Check<ConnectionFacts> {
  /** The principals that it takes, where it takes exactly these; an index finds the rule by them. */
  readonly principals?: readonly string[];
}

/** A check that each request decides. */
export interface RequestCheck extends Check<RequestAttributes> {
  /** What an index may use in place of the test. */
  readonly methods?: readonly string[];
  readonly paths?: readonly PathPattern[];
}

export function factsOf(attributes: ConnectionAttributes): ConnectionFacts {
  return {
    attributes,
    sourceIp: parseIpAddress(attributes.sourceIp),
    destinationIp: parseIpAddress(attributes.destinationIp),
  };
}
