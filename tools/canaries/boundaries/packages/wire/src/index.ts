import type { Something } from 'left-pad';
export const helper: Something | undefined = undefined;
export interface Message {
  readonly text: string;
}
