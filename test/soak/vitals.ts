import { readdirSync, readFileSync } from 'node:fs';

/** What one process held at one moment. */
export interface Vital {
  /** Seconds since the soak began. */
  readonly at: number;
  /** Resident memory of its own; files that are mapped, the database's among them, are the system's to take back. */
  readonly megabytes: number;
  /** Megabytes of objects on its heap after it last collected its garbage; undefined where nobody can tell. */
  readonly objects: number | undefined;
  readonly descriptors: number;
}

/** How one process fared, from the end of its warm-up to the end of the soak. */
export interface Health {
  readonly process: string;
  readonly mb_first: number;
  readonly mb_last: number;
  /** Median slope of all pairs of samples (Theil–Sen), which a garbage collection or two do not move. */
  readonly mb_per_minute: number;
  readonly mb_peak: number;
  /** Of objects on its heap; undefined where nobody can tell. */
  readonly objects_mb_first: number | undefined;
  readonly objects_mb_last: number | undefined;
  readonly descriptors_first: number;
  readonly descriptors_last: number;
  /** Whether it was watched for long enough to say. */
  readonly judged: boolean;
  readonly ok: boolean;
}

/** Share of a run in which caches fill and just-in-time compilers work. */
const WARM_UP = 0.5;
/** A control plane that was started again is new at that moment. */
const WARM_UP_AGAIN = 0.15;
const THIRDS = 3;
const JUDGED_SECONDS = 150;
const LEAST_SAMPLES = 9;
const TOLERATED_MEGABYTES = 10;
const TOLERATED_SHARE = 0.08;
/** What is held goes up and down by a tenth of that. */
const TOLERATED_OBJECTS_MEGABYTES = 0.5;
const TOLERATED_DESCRIPTORS = 12;
const SECONDS = 60;
const MEGABYTE = 1_048_576;

export interface Observed {
  /** Process ids by name. */
  readonly processes: ReadonlyMap<string, number>;
  /** Bytes of objects that a process held when it was last rid of garbage. */
  held(pid: number): number | undefined;
}

/** Watches the memory and the file descriptors of processes that live as long as the mesh does (proc(5)). */
export class Vitals {
  readonly #seen = new Map<string, Vital[]>();
  readonly #began = new Map<string, number>();

  /** Takes one sample of each process; nothing where there is no /proc. */
  sample({ processes, held }: Observed, at: number): void {
    for (const [name, pid] of processes) {
      const resident = residentOf(pid);
      const bytes = held(pid);
      if (resident === undefined) continue;
      this.note(name, { at, objects: bytes === undefined ? undefined : bytes / MEGABYTE, ...resident });
    }
  }

  note(name: string, vital: Vital): void {
    const seen = this.#seen.get(name);
    if (seen === undefined) this.#seen.set(name, [vital]);
    else seen.push(vital);
  }

  /** Its process is another one from now on. */
  anew(name: string, at: number): void {
    this.#began.set(name, at);
  }

  /** @param seconds length of the soak */
  report(seconds: number): Health[] {
    return [...this.#seen].map(([name, all]) => {
      const again = this.#began.get(name);
      const from = Math.max(seconds * WARM_UP, again === undefined ? 0 : again + seconds * WARM_UP_AGAIN);
      return healthOf(
        name,
        all,
        all.filter(({ at }) => at >= from),
      );
    });
  }
}

function healthOf(process: string, all: readonly Vital[], warm: readonly Vital[]): Health {
  const third = Math.max(1, Math.floor(warm.length / THIRDS));
  const [first, last] = [warm.slice(0, third), warm.slice(-third)];
  const megabytes = (vitals: readonly Vital[]): number => rounded(median(vitals.map((each) => each.megabytes)));
  const descriptors = (vitals: readonly Vital[]): number => median(vitals.map((each) => each.descriptors));
  const objects = (vitals: readonly Vital[]): number | undefined => {
    const known = vitals.map((each) => each.objects).filter((each) => each !== undefined);
    return known.length === 0 ? undefined : rounded(median(known));
  };
  const [mbFirst, mbLast] = [megabytes(first), megabytes(last)];
  const [objectsFirst, objectsLast] = [objects(first), objects(last)];
  const [fdFirst, fdLast] = [descriptors(first), descriptors(last)];
  const seconds = (warm.at(-1)?.at ?? 0) - (warm[0]?.at ?? 0);
  const judged = warm.length >= LEAST_SAMPLES && seconds >= JUDGED_SECONDS;
  const isFlat =
    mbLast - mbFirst <= Math.max(TOLERATED_MEGABYTES, mbFirst * TOLERATED_SHARE) &&
    (objectsLast ?? 0) - (objectsFirst ?? 0) <= TOLERATED_OBJECTS_MEGABYTES &&
    fdLast - fdFirst <= TOLERATED_DESCRIPTORS;
  return {
    process,
    mb_first: mbFirst,
    mb_last: mbLast,
    mb_per_minute: rounded(slope(warm) * SECONDS),
    mb_peak: rounded(Math.max(...all.map((each) => each.megabytes))),
    objects_mb_first: objectsFirst,
    objects_mb_last: objectsLast,
    descriptors_first: fdFirst,
    descriptors_last: fdLast,
    judged,
    ok: !judged || isFlat,
  };
}

/** Median of the slopes between all pairs, in megabytes a second. */
function slope(vitals: readonly Vital[]): number {
  const slopes: number[] = [];
  for (const [index, early] of vitals.entries()) {
    for (const late of vitals.slice(index + 1)) {
      if (late.at > early.at) slopes.push((late.megabytes - early.megabytes) / (late.at - early.at));
    }
  }
  return slopes.length === 0 ? 0 : median(slopes);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}

function residentOf(pid: number): Pick<Vital, 'megabytes' | 'descriptors'> | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kilobytes = Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]);
    return { megabytes: kilobytes / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return undefined;
  }
}
