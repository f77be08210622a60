import { RampartError } from '../../../errors.ts';
import { parseIpBlock, type IpAddress } from '../../match/address/ip-block.ts';
import { compileIpBlocks } from '../../match/address/ip-blocks.ts';
import type { Check, Subject } from './check.ts';

/** A positive and a negative list of one field. */
export interface FieldValues {
  /** Where the field stands: "rules[0].to[0].operation". */
  readonly at: string;
  /** Name of the positive list; the negative one is "not" and the name. */
  readonly name: string;
  readonly values: readonly string[] | undefined;
  readonly notValues: readonly string[] | undefined;
}

/** A check for each list that holds anything. A list that is absent or empty asks nothing. */
export function checksOf<Input>(
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

/** Whether an address, if there is one, lies in any of the blocks that a field lists. */
export function compileBlocks(
  { at, name }: FieldValues,
  values: readonly string[],
): (address: IpAddress | undefined) => boolean {
  const blocks = values.map((value) => {
    const block = parseIpBlock(value);
    if (!block.ok) throw new RampartError('INVALID_ARGUMENT', `${at}.${name}: ${block.problem}`);
    return block.value;
  });
  return compileIpBlocks(blocks);
}
