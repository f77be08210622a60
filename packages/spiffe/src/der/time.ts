import { DerProblem, type DerReader } from './reader.ts';
import { TAG } from './tag.ts';
import { encode } from './writer.ts';

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050, both in whole seconds and Zulu. */
const FIRST_GENERALIZED_YEAR = 2050;
/** ASCII. */
const ZERO = 0x30;
const ZULU = 0x5a;

/** A validity time in Unix milliseconds. */
export function readTime(reader: DerReader, what: string): number {
  const generalized = reader.peek() === TAG.generalizedTime;
  const { content } = reader.element(generalized ? TAG.generalizedTime : TAG.utcTime, what);
  const yearDigits = generalized ? 4 : 2;
  if (content.length !== yearDigits + 11 || content[yearDigits + 10] !== ZULU) throw notOfRfc5280(what);
  const pair = (at: number): number => twoDigits(content, at, what);
  const short = pair(0);
  const year = generalized ? short * 100 + pair(2) : short + (short < 50 ? 2000 : 1900);
  const [month, day] = [pair(yearDigits), pair(yearDigits + 2)];
  const [hour, minute, second] = [pair(yearDigits + 4), pair(yearDigits + 6), pair(yearDigits + 8)];
  if (generalized && year < FIRST_GENERALIZED_YEAR) throw new DerProblem(`${what} should be a UTCTime`);
  const at = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC turns 30 February into March; a date that is none comes back as another.
  const date = new Date(at);
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isReal || hour > 23 || minute > 59 || second > 59) throw new DerProblem(`${what} is not a date of the calendar`);
  return at;
}

function twoDigits(content: Uint8Array, at: number, what: string): number {
  const tens = (content[at] ?? 0) - ZERO;
  const ones = (content[at + 1] ?? 0) - ZERO;
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw notOfRfc5280(what);
  return tens * 10 + ones;
}

function notOfRfc5280(what: string): DerProblem {
  return new DerProblem(`${what} is not a time of RFC 5280`);
}

/** What was encoded last: certificates of one second begin and end together. */
const encoded = new Map<number, Uint8Array>();
const KEPT = 8;

/** Encodes Unix milliseconds, cut down to the second. Years 1950 to 9999. Do not write to it. */
export function encodeTime(milliseconds: number): Uint8Array {
  const known = encoded.get(milliseconds);
  if (known !== undefined) return known;
  if (encoded.size === KEPT) encoded.clear();
  const time = encodeAny(milliseconds);
  encoded.set(milliseconds, time);
  return time;
}

function encodeAny(milliseconds: number): Uint8Array {
  const date = new Date(milliseconds);
  const year = date.getUTCFullYear();
  const generalized = year >= FIRST_GENERALIZED_YEAR;
  const century = Math.floor(year / 100);
  const fields = [year % 100, date.getUTCMonth() + 1, date.getUTCDate()];
  fields.push(date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds());
  if (generalized) fields.unshift(century);
  const text = new Uint8Array(fields.length * 2 + 1);
  for (const [index, field] of fields.entries()) {
    text[index * 2] = ZERO + Math.floor(field / 10);
    text[index * 2 + 1] = ZERO + (field % 10);
  }
  text[text.length - 1] = ZULU;
  return encode(generalized ? TAG.generalizedTime : TAG.utcTime, text);
}
