import { RampartError } from '@rampart/core';
import { parseGoDuration } from '../duration.ts';
import type { Item } from '../filter/filter.ts';
import { contentHash } from '../model/service.ts';
import type { Rendered } from './rendered.ts';
import type { RegistryView } from '../registry-view.ts';
import { type ConsulAnswer, jsonAnswer } from './answer.ts';
import { type ConsulCall, isSet } from './call.ts';
import { Changes, type Subject } from './changes.ts';

/** An answer as it is now, and what it is about. */
export interface Question {
  /** A service has an index of its own; that of other answers changes when they do. */
  readonly about: Subject;
  /** Whether there may be more than this caller is told. */
  readonly isFiltered: boolean;
  answer(): Answered | Promise<Answered>;
}

interface Answered {
  readonly index: number;
  /** A large one may be on its way; it is of the same moment as the index. */
  readonly json: Item | Rendered | Promise<Rendered>;
  /** Said with every answer, so that the next question can be asked with it; made from the answer unless given. */
  readonly hash?: string;
}

const USUAL_WAIT_MS = 5 * 60_000;
const LONGEST_WAIT_MS = 10 * 60_000;
/** Up to a sixteenth more, so that callers that began together do not come back together (Consul). */
const JITTER = 1 / 16;

/** Answers a question at once, or when its answer has changed since the index or hash that the caller knows, or after its patience. */
export async function answerWhenChanged(
  call: ConsulCall,
  question: Question,
  view: RegistryView,
): Promise<ConsulAnswer> {
  const patience = patienceOf(call.query);
  const consistency = consistencyOf(call.query);
  const known = knownOf(call.query);
  const last = await whole(
    known === undefined ? await question.answer() : await changed(question, { known, view, patience, call }),
  );
  return jsonAnswer(last.json, {
    'x-consul-index': String(last.index),
    ...(known?.kind === 'hash' || last.hash !== undefined ? { 'x-consul-contenthash': hashOf(last) } : {}),
    'x-consul-knownleader': 'true',
    'x-consul-lastcontact': '0',
    'x-consul-effective-consistency': consistency,
    ...(question.isFiltered && call.caller.kind !== 'anonymous' ? { 'x-consul-results-filtered-by-acls': 'true' } : {}),
    ...(isSet(call.query, 'cached') ? { 'x-cache': 'MISS', age: '0' } : {}),
  });
}

interface Whole extends Answered {
  readonly json: Item | Rendered;
}

async function whole(answered: Answered): Promise<Whole> {
  const { json } = answered;
  return { ...answered, json: json instanceof Promise ? await json : json };
}

function hashOf({ hash, json }: Whole): string {
  return hash ?? contentHash(json);
}

interface Waiting {
  readonly known: Known;
  readonly view: RegistryView;
  readonly patience: number;
  readonly call: ConsulCall;
}

/** The answer of this moment where it is not what the caller knows, else the next one. */
async function changed(question: Question, { known, view, patience, call }: Waiting): Promise<Answered> {
  const signal = call.end();
  // From before the first answer on: whoever is to wait must miss nothing that happens while that is made.
  const changes = new Changes(question.about, { ...view, signal });
  // Whoever may know something else now asks anew; who may not ask any more is told so.
  const forget = view.onRightsChange(call.tokenId, () => changes.stop());
  try {
    const first = await question.answer();
    if (!(await isThat(known, first))) return first;
    const until = view.clock.now() + patience * (1 + JITTER * view.random());
    for (;;) {
      const left = until - view.clock.now();
      if (left <= 0 || signal.aborted || !(await changes.next(left))) return await question.answer();
      const begun = view.clock.now();
      const now = await question.answer();
      if (now.index !== first.index) return now;
      await changes.pause(view.clock.now() - begun);
    }
  } finally {
    forget();
    changes.close();
  }
}

async function isThat(known: Known, answered: Answered): Promise<boolean> {
  return known.kind === 'index' ? known.index === answered.index : known.hash === hashOf(await whole(answered));
}

type Known = { readonly kind: 'index'; readonly index: number } | { readonly kind: 'hash'; readonly hash: string };

/** What the caller has already; undefined when it does not want to wait. */
function knownOf(query: URLSearchParams): Known | undefined {
  const hash = query.get('hash');
  if (hash !== null && hash !== '') return { kind: 'hash', hash };
  const text = query.get('index');
  if (text === null || text === '' || text === '0') return undefined;
  if (!/^\d{1,20}$/.test(text)) throw new RampartError('INVALID_ARGUMENT', 'Invalid index');
  return { kind: 'index', index: Number(text) };
}

function patienceOf(query: URLSearchParams): number {
  const text = query.get('wait');
  if (text === null || text === '') return USUAL_WAIT_MS;
  const wait = parseGoDuration(text);
  if (wait === undefined) throw new RampartError('INVALID_ARGUMENT', 'Invalid wait time');
  return wait === 0 ? USUAL_WAIT_MS : Math.min(wait, LONGEST_WAIT_MS);
}

/** One process answers, so every answer is consistent; the caller is told what it asked for. */
function consistencyOf(query: URLSearchParams): string {
  const [stale, consistent] = [isSet(query, 'stale'), isSet(query, 'consistent')];
  if (stale && consistent) {
    throw new RampartError('INVALID_ARGUMENT', 'Cannot specify ?stale with ?consistent, conflicting semantics.');
  }
  if (consistent) return 'consistent';
  return stale ? 'stale' : 'leader';
}
