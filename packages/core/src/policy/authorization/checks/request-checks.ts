import type { RequestAttributes } from '../../attributes.ts';
import { parseIpAddress, type IpAddress } from '../../match/address/ip-block.ts';
import { keepingLast } from '../../match/last-answer.ts';
import { compilePathPattern, compilePaths } from '../../match/path-pattern.ts';
import { compileTextPatterns } from '../../match/text-patterns.ts';
import type { RequestCheck } from './check.ts';
import { checksOf, compileBlocks, type FieldValues } from './field-values.ts';
import { headerOf, headerSubject, HOST, METHOD, PATH, REMOTE_IP } from './subjects.ts';

export function methodChecks(field: FieldValues): RequestCheck[] {
  const { values: methods = [] } = field;
  return checksOf<RequestAttributes>(field, METHOD, (values) => {
    const test = compileTextPatterns(values, 'any');
    return (request) => test(request.method);
  }).map((check) => (check.negated ? check : { ...check, methods }));
}

export function pathChecks(field: FieldValues): RequestCheck[] {
  const paths = (field.values ?? []).map(compilePathPattern);
  return checksOf<RequestAttributes>(field, PATH, (values) => {
    const test = compilePaths(values);
    return (request) => test(request.path);
  }).map((check) => (check.negated ? check : { ...check, paths }));
}

export function hostChecks(field: FieldValues): RequestCheck[] {
  return checksOf<RequestAttributes>(field, HOST, (values) => {
    const test = compileTextPatterns(values.map(lowered), 'any');
    return (request) => test(loweredHost(request.host));
  });
}

const NOT_ASCII = /[^\u0000-\u007f]/;

/** The letters of ASCII in lower case, and only these: others, such as the Kelvin sign, would become letters of ASCII. */
function lowered(host: string): string {
  if (!NOT_ASCII.test(host)) return host.toLowerCase();
  return host.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

const loweredHost = keepingLast(lowered);

export function headerChecks(field: FieldValues, name: string): RequestCheck[] {
  return checksOf<RequestAttributes>(field, headerSubject(name), (values) => {
    const test = compileTextPatterns(values, 'any');
    return (request) => {
      const value = headerOf(request, name);
      return value !== undefined && test(value);
    };
  });
}

interface ClientAddress {
  readonly ip: IpAddress | undefined;
}

const clientAddress = keepingLast((text: string): ClientAddress => ({ ip: parseIpAddress(text) }));

export function remoteIpChecks(field: FieldValues): RequestCheck[] {
  return checksOf<RequestAttributes>(field, REMOTE_IP, (values) => {
    const isInside = compileBlocks(field, values);
    return ({ remoteIp }) => isInside(clientAddress(remoteIp).ip);
  });
}
