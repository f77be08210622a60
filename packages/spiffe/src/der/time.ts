import { DerProblem, type DerReader } from './reader.ts';
import { TAG } from './tag.ts';
import { encode } from './writer.ts';

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050, both in whole seconds and Zulu. */
const FIRST_GENERALIZED_YEAR = 2050;
const UTC_TIME = /^\d{12}Z$/;
const GENERALIZED_TIME = /^\d{14}Z$/;

/** A validity time in Unix milliseconds. */
export function readTime(reader: DerReader, what: string): number {
  const generalized = reader.peek() === TAG.generalizedTime;
  const { content } = reader.element(generalized ? TAG.generalizedTime : TAG.utcTime, what);
  const text = String.fromCharCode(...content.subarray(0, 16));
  if (!(generalized ? GENERALIZED_TIME : UTC_TIME).test(text))
    throw new DerProblem(`${what} is not a time of RFC 5280`);
  const digits = generalized ? text : `${text < '50' ? '20' : '19'}${text}`;
  const iso = digits.replace(/^(....)(..)(..)(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const at = Date.parse(iso);
  // Date.parse turns 30 February into March and 24:00 into the next day; printing it back shows that.
  if (Number.isNaN(at) || new Date(at).toISOString() !== iso)
    throw new DerProblem(`${what} is not a date of the calendar`);
  if (generalized && Number(iso.slice(0, 4)) < FIRST_GENERALIZED_YEAR)
    throw new DerProblem(`${what} should be a UTCTime`);
  return at;
}

/** Encodes Unix milliseconds, cut down to the second. Years 1950 to 9999. */
export function encodeTime(milliseconds: number): Uint8Array {
  const iso = new Date(milliseconds).toISOString();
  const digits = `${iso.slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  const generalized = Number(iso.slice(0, 4)) >= FIRST_GENERALIZED_YEAR;
  const text = generalized ? digits : digits.slice(2);
  return encode(generalized ? TAG.generalizedTime : TAG.utcTime, new TextEncoder().encode(text));
}
