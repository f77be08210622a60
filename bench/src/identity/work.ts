/** What a subject did in one round. */
export interface Work {
  readonly done: number;
  readonly seconds: number;
  /** Processor time of the process, user and system, its threads included. */
  readonly cpuSeconds: number;
}

/** Certificates (or tokens) one after the other, `callers` of them at a time, for about so long. */
export async function keepBusy(
  callers: number,
  milliseconds: number,
  one: (caller: number) => Promise<void> | void,
): Promise<Work> {
  let done = 0;
  const cpu = process.cpuUsage();
  const from = performance.now();
  const end = from + milliseconds;
  const caller = async (_: unknown, index: number): Promise<void> => {
    while (performance.now() < end) {
      await one(index);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const { user, system } = process.cpuUsage(cpu);
  return { done, seconds: (performance.now() - from) / 1000, cpuSeconds: (user + system) / 1_000_000 };
}
