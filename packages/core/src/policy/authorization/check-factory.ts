import { parseConditionKey } from '../../resource/authorization/condition-key.ts';
import type { AuthorizationCondition } from '../../resource/authorization/condition.ts';
import { RampartError } from '../../errors.ts';
import type { RequestAttributes } from '../attributes.ts';
import {
  compileNamespaces,
  compilePrincipals,
  compileServiceAccounts,
  compileTrustDomains,
  type TrustDomains,
} from '../match/identity.ts';
import { inIpBlock, parseIpBlock, type IpAddress } from '../match/ip-block.ts';
import { matchesTemplate, parsePathPattern } from '../match/path-template.ts';
import { anyOf, compileTextPatterns, type TextTest } from '../match/text-patterns.ts';
import type { Check, ConnectionCheck, ConnectionFacts, RequestCheck, Subject } from './check.ts';
import {
  DESTINATION_IP,
  headerOf,
  headerSubject,
  HOST,
  METHOD,
  PATH,
  PORT,
  PRINCIPAL,
  SNI,
  SOURCE_IP,
} from './subjects.ts';

export interface CheckContext {
  readonly policyNamespace: string;
  readonly trustDomains: TrustDomains;
}

/** A positive and a negative list of one field. */
export interface FieldValues {
  /** Where the field stands: "rules[0].to[0].operation". */
  readonly at: string;
  /** Name of the positive list; the negative one is "not" and the name. */
  readonly name: string;
  readonly values: readonly string[] | undefined;
  readonly notValues: readonly string[] | undefined;
}

/** Turns lists of values into checks. A list that is absent or empty asks nothing. */
export class CheckFactory {
  readonly #context: CheckContext;

  constructor(context: CheckContext) {
    this.#context = context;
  }

  principals(field: FieldValues): ConnectionCheck[] {
    return identityChecks(field, (values) => compilePrincipals(values, this.#context.trustDomains));
  }

  namespaces(field: FieldValues): ConnectionCheck[] {
    return identityChecks(field, compileNamespaces);
  }

  serviceAccounts(field: FieldValues): ConnectionCheck[] {
    return identityChecks(field, (values) => compileServiceAccounts(values, this.#context.policyNamespace));
  }

  trustDomains(field: FieldValues): ConnectionCheck[] {
    return identityChecks(field, (values) => compileTrustDomains(values, this.#context.trustDomains));
  }

  sourceIps(field: FieldValues): ConnectionCheck[] {
    return ipChecks(field, SOURCE_IP, (facts) => facts.sourceIp);
  }

  ports(field: FieldValues): ConnectionCheck[] {
    return checksOf<ConnectionFacts>(field, PORT, (values) => {
      const ports = new Set(values.map(Number));
      return (facts) => ports.has(facts.attributes.destinationPort);
    });
  }

  methods(field: FieldValues): RequestCheck[] {
    return checksOf<RequestAttributes>(field, METHOD, (values) => {
      const test = compileTextPatterns(values, 'any');
      return (request) => test(request.method);
    });
  }

  paths(field: FieldValues): RequestCheck[] {
    return checksOf<RequestAttributes>(field, PATH, (values) => {
      const test = compilePaths(values);
      return (request) => test(request.path);
    });
  }

  hosts(field: FieldValues): RequestCheck[] {
    return checksOf<RequestAttributes>(field, HOST, (values) => {
      const test = compileTextPatterns(
        values.map((value) => value.toLowerCase()),
        'any',
      );
      return (request) => test(request.host.toLowerCase());
    });
  }

  headers(field: FieldValues, name: string): RequestCheck[] {
    return checksOf<RequestAttributes>(field, headerSubject(name), (values) => {
      const test = compileTextPatterns(values, 'any');
      return (request) => {
        const value = headerOf(request, name);
        return value !== undefined && test(value);
      };
    });
  }

  condition(condition: AuthorizationCondition, at: string): { connection: ConnectionCheck[]; request: RequestCheck[] } {
    const key = parseConditionKey(condition.key);
    if (!key.ok) throw new RampartError('INVALID_ARGUMENT', `${at}.key: ${key.problem}`);
    const field = { at, name: 'values', values: condition.values, notValues: condition.notValues };
    if (key.value.attribute === 'request.headers')
      return { connection: [], request: this.headers(field, key.value.header) };
    return { connection: this.#connectionCondition(key.value.attribute, field), request: [] };
  }

  #connectionCondition(attribute: string, field: FieldValues): ConnectionCheck[] {
    switch (attribute) {
      case 'source.principal':
        return this.principals(field);
      case 'source.namespace':
        return this.namespaces(field);
      case 'source.serviceAccount':
        return this.serviceAccounts(field);
      case 'source.trustDomain':
        return this.trustDomains(field);
      case 'source.ip':
        return this.sourceIps(field);
      case 'destination.ip':
        return ipChecks(field, DESTINATION_IP, (facts) => facts.destinationIp);
      case 'destination.port':
        return this.ports(field);
      case 'connection.sni':
        return checksOf<ConnectionFacts>(field, SNI, (values) => {
          const test = compileTextPatterns(values, 'non-empty');
          return (facts) => test(facts.attributes.sni);
        });
      default:
        throw new RampartError('UNSUPPORTED_FEATURE', `${field.at}.key: ${attribute} cannot be decided here`);
    }
  }
}

/** No verified identity matches no value: `notPrincipals: ["*"]` is how a policy names plaintext. */
function identityChecks(field: FieldValues, compile: (values: readonly string[]) => TextTest): ConnectionCheck[] {
  return checksOf<ConnectionFacts>(field, PRINCIPAL, (values) => {
    const test = compile(values);
    return ({ attributes: { principal } }) => principal !== undefined && test(principal);
  });
}

function ipChecks(
  field: FieldValues,
  subject: Subject,
  read: (facts: ConnectionFacts) => IpAddress | undefined,
): ConnectionCheck[] {
  return checksOf<ConnectionFacts>(field, subject, (values) => {
    const blocks = values.map((value) => {
      const block = parseIpBlock(value);
      if (!block.ok) throw new RampartError('INVALID_ARGUMENT', `${field.at}.${field.name}: ${block.problem}`);
      return block.value;
    });
    return (facts) => {
      const address = read(facts);
      return address !== undefined && blocks.some((block) => inIpBlock(block, address));
    };
  });
}

function compilePaths(values: readonly string[]): TextTest {
  const plain: string[] = [];
  const templates: TextTest[] = [];
  for (const value of values) {
    const template = parsePathPattern(value);
    if (!template.ok) throw new RampartError('INVALID_ARGUMENT', template.problem);
    const { value: parsed } = template;
    if (parsed === undefined) plain.push(value);
    else templates.push((path) => matchesTemplate(parsed, path));
  }
  return anyOf(plain.length > 0 ? [compileTextPatterns(plain, 'non-empty'), ...templates] : templates);
}

function checksOf<Input>(
  { at, name, values = [], notValues = [] }: FieldValues,
  subject: Subject,
  compile: (values: readonly string[]) => (input: Input) => boolean,
): Check<Input>[] {
  const checks: Check<Input>[] = [];
  if (values.length > 0) checks.push({ field: `${at}.${name}`, subject, negated: false, test: compile(values) });
  if (notValues.length > 0) {
    const matches = compile(notValues);
    const field = `${at}.not${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    checks.push({ field, subject, negated: true, test: (input) => !matches(input) });
  }
  return checks;
}
