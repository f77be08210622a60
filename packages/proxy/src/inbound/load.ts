/** Requests under way at a time; Envoy's `max_requests` of a circuit breaker. */
const MOST = 1024;

/** How much an application is given at a time. What comes beyond is turned away at once, so that the rest stays fast. */
export class Load {
  readonly #most: number;
  #underWay = 0;

  constructor(most: number = MOST) {
    this.#most = most;
  }

  /** False when there is no room for one more; else `leave` is to be called when it is over. */
  enter(): boolean {
    if (this.#underWay >= this.#most) return false;
    this.#underWay += 1;
    return true;
  }

  leave(): void {
    this.#underWay -= 1;
  }
}
