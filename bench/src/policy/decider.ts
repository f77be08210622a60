import type { Absent } from '../harness/absent.ts';
import type { Question } from './questions.ts';
import type { World } from './world.ts';

/** Whether the caller may. */
export type Decide = (question: Question) => boolean;

/** One engine, told the policies of a world in the form that suits it best. */
export interface Decider {
  readonly name: string;
  prepare(world: World): Promise<Decide | Absent>;
}
