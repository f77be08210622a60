import type { FuzzTarget } from './engine/target.ts';
import { address } from './targets/address.ts';
import { certificate } from './targets/certificate.ts';
import { decision } from './targets/decision.ts';
import { documents } from './targets/documents.ts';
import { identity } from './targets/identity.ts';
import { path } from './targets/path.ts';
import { pathTemplate } from './targets/path-template.ts';
import { recordBlock } from './targets/record-block.ts';
import { resourceJson } from './targets/resource-json.ts';
import { trace } from './targets/trace.ts';

/** Whatever reads input from outside. */
export const targets: readonly FuzzTarget[] = [
  documents,
  resourceJson,
  path,
  pathTemplate,
  address,
  identity,
  trace,
  recordBlock,
  certificate,
  decision,
];
