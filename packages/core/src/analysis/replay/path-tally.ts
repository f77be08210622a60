import { shapeOf } from '../path-shape.ts';

/** How often something happened at each path. */
export interface TalliedPath {
  /** A path, a shape with `{*}` for identifiers, or {@link OTHER_PATHS}. */
  readonly path: string;
  readonly count: number;
}

/** Stands for what would make the list too long. */
export const OTHER_PATHS = '(other paths)';

const MOST_PATHS = 20;
const MOST_SHAPES = 100;

/** Counts by path, and by the shape of paths once there are many: its size is bounded, whatever paths there are. */
export class PathTally {
  #counts = new Map<string, number>();
  #isByShape = false;

  add(path: string, count: number): void {
    this.#add(this.#isByShape ? shapeOf(path) : path, count);
    if (!this.#isByShape && this.#counts.size > MOST_PATHS) this.#reshape();
  }

  /** Most frequent first. */
  list(): TalliedPath[] {
    return [...this.#counts]
      .map(([path, count]) => ({ path, count }))
      .sort((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1));
  }

  #add(path: string, count: number): void {
    const isNew = !this.#counts.has(path);
    const place = isNew && this.#isByShape && this.#counts.size >= MOST_SHAPES ? OTHER_PATHS : path;
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + count);
  }

  #reshape(): void {
    const counts = this.#counts;
    this.#counts = new Map();
    this.#isByShape = true;
    for (const [path, count] of counts) this.#add(shapeOf(path), count);
  }
}
