/** What `/proc/PID/stat` of Linux says about a process (proc(5)). */
export interface ProcessStat {
  /** Has ended, and waits for its parent to notice. */
  readonly hasEnded: boolean;
  /** Clock ticks from the machine's start to the process's, in decimal: with the id it names the process for good. */
  readonly startTicks: string;
}

const STATE = 3;
const START_TIME = 22;

/** Reads the text of `/proc/PID/stat`; undefined for a text that is none. */
export function readProcessStat(text: string): ProcessStat | undefined {
  // The second field is the name in parentheses and may hold anything, spaces and parentheses too: only the last one ends it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[STATE - 3], fields[START_TIME - 3]];
  if (state === undefined || startTicks === undefined) return undefined;
  return { hasEnded: state === 'Z' || state === 'X', startTicks };
}
