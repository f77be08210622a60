import { ok } from '@rampart/core';
import type { Result } from '@rampart/core';

import type { Component } from './component.ts';
import type { Fields } from './message.ts';
import { refuse } from './problem.ts';
import type { HttpSignatureProblem, Refused } from './problem.ts';
import type { SignatureParams } from './signature-base.ts';
import { bytesOf, isInnerList, readDictionary } from './structured-fields.ts';
import type { Dictionary, Parameters } from './structured-fields.ts';

export interface ReadSignature extends SignatureParams {
  readonly label: string;
  readonly signature: Uint8Array;
}

/** Longer fields are somebody's attempt to make work. */
const LONGEST_FIELD = 16_384;
const MOST_SIGNATURES = 16;
const MOST_COMPONENTS = 64;

/** Every signature of a message (RFC 9421 §4): a Signature and its Signature-Input, each with the other. */
export function readSignatures(fields: Fields): Result<readonly ReadSignature[], HttpSignatureProblem> {
  const inputs = dictionary(fields, 'signature-input');
  const values = dictionary(fields, 'signature');
  if (inputs === undefined || values === undefined)
    return refuse('MALFORMED', 'Signature-Input or Signature cannot be read');
  if (inputs.size !== values.size || inputs.size > MOST_SIGNATURES) {
    return refuse('MALFORMED', `each Signature needs its Signature-Input, and ${MOST_SIGNATURES} are the most`);
  }
  const signatures: ReadSignature[] = [];
  for (const [label, member] of inputs) {
    const signature = bytesOf(values.get(label)?.[0]);
    if (!isInnerList(member) || signature === undefined) return malformed(label);
    const [items, parameters] = member;
    const components = items.map(([name, own]) => componentOf(name, own));
    if (components.length > MOST_COMPONENTS || !components.every((component) => component !== undefined))
      return malformed(label);
    signatures.push({ label, components, parameters, signature });
  }
  return ok(signatures);
}

/** Component names are in lower case, whatever the message has (RFC 9421 §2.1). */
function componentOf(name: unknown, parameters: Parameters): Component | undefined {
  return typeof name === 'string' && name === name.toLowerCase() ? { name, parameters } : undefined;
}

function dictionary(fields: Fields, name: string): Dictionary | undefined {
  const text = fields(name).join(', ');
  if (text.length > LONGEST_FIELD) return undefined;
  const members = readDictionary(text);
  // A dictionary keeps the last of several members of one name (RFC 9651 §3.2): two readers might not mean the same one.
  return members?.size === countMembers(text) ? members : undefined;
}

/** How many members are written in a dictionary that can be read: commas outside of strings and inner lists part them. */
function countMembers(text: string): number {
  if (text.trim() === '') return 0;
  return text
    .replace(/"(?:[^"\\]|\\.)*"/g, '')
    .replace(/\([^()]*\)/g, '')
    .split(',').length;
}

function malformed(label: string): Refused {
  return refuse('MALFORMED', `the signature "${label}" is not of the form of RFC 9421`);
}
