import type { CompiledAnswer, CompiledHeaders, RoutedRequest, Timer } from '@rampart/core';

import { ResponseFlag } from '../../record/flags.ts';
import type { Admission, Waiter } from '../limit/breaker.ts';
import { effectiveStatus } from '../outlier/grpc-outcome.ts';
import type { Outcome } from '../outlier/outcome.ts';
import type { AnswerReceiver } from '../stale/stale-answers.ts';
import type { RouteSettings } from '../settings/route.ts';
import type { Ending } from '../../record/ending.ts';
import type { Breakage, CallDriver } from './driver.ts';
import { drawFault } from './fault.ts';
import type { Fault } from './fault.ts';
import { plainAnswer } from './own-answer.ts';
import { changedAnswer, earlierAnswer, keepAnswer } from './earlier-answer.ts';
import { Retries } from './retries.ts';
import type { CallSurroundings, NoDestination } from './surroundings.ts';
import { chooseWay } from './way.ts';
import type { Way } from './way.ts';

const BAD_GATEWAY = 502;
const UNAVAILABLE = 503;
const GATEWAY_TIMEOUT = 504;
const MS_PER_SECOND = 1000;

type State = 'waiting' | 'trying' | 'delivering' | 'over';

export interface TrafficCallOptions {
  readonly request: RoutedRequest;
  /** What is done with the request. */
  readonly route: RouteSettings;
  readonly driver: CallDriver;
  readonly around: CallSurroundings;
}

/**
 * One request under rules: fault → breaker → tries → answer. It decides, and a driver does. What it counts is counted back
 * at its end, whichever way it comes to that.
 */
export class TrafficCall implements Waiter {
  readonly #options: TrafficCallOptions;
  #state: State = 'waiting';
  #way: Way | undefined;
  #retries: Retries | undefined;
  #admission: Admission = 'overflow';
  #flags = '';
  /** For the whole request. */
  #deadline: Timer | undefined;
  /** For the present step: a delay, a try, or the pause before the next one. */
  #timer: Timer | undefined;
  #triedAt = 0;
  #status = 0;
  /** The answer that is passed on, as far as it is kept for later. */
  #keeping: AnswerReceiver | undefined;

  constructor(options: TrafficCallOptions) {
    this.#options = options;
  }

  begin(): void {
    const { route, request, around } = this.#options;
    if (route.answer !== undefined) {
      this.#answer(route.answer(request), {
        flag: ResponseFlag.none,
        reason: 'a rule answers in place of an instance',
      });
      return;
    }
    if (route.refusal !== undefined) {
      this.#refuse(route.refusal);
      return;
    }
    const fault = route.fault === undefined ? undefined : drawFault(route.fault, around.random);
    if (fault === undefined) this.#proceed();
    else this.#disturb(fault);
  }

  /** What a try's answer is changed by on its way to the caller. */
  get responseHeaders(): readonly (CompiledHeaders | undefined)[] {
    return [this.#way?.chosen?.headers?.response, this.#options.route.headers?.response, this.#way?.cookie];
  }

  /** The head of an answer has come. Says whether it is passed on; where not, the try is over and another one may follow. */
  answered(status: number, grpcStatus?: string): boolean {
    if (this.#state !== 'trying') return false;
    this.#timer?.cancel();
    const now = this.#options.around.now();
    const milliseconds = now - this.#triedAt;
    const outcome: Outcome = { end: 'answer', status: effectiveStatus(status, grpcStatus), milliseconds };
    if (this.#saw(outcome, { wasSent: true, grpcStatus, status, now })) return false;
    this.#state = 'delivering';
    this.#status = status;
    return true;
  }

  /** Whether `keep` may have a use for an answer. */
  get mayKeep(): boolean {
    return this.#way?.destination.stale !== undefined;
  }

  /**
   * Asked once for an answer that is passed on: takes its body, to be given again while nobody can answer; undefined where it is
   * not kept. `rawHeaders` are names and values in turn.
   */
  keep(rawHeaders: readonly string[]): Pick<AnswerReceiver, 'add'> | undefined {
    const way = this.#way;
    if (way?.destination.stale === undefined) return undefined;
    const { request, around } = this.#options;
    this.#keeping = keepAnswer(way, { request, caller: around.caller }, { status: this.#status, rawHeaders });
    return this.#keeping;
  }

  /** The answer is whole. */
  finished(): void {
    this.#keeping?.complete(this.#options.around.now());
    this.#over();
  }

  /** The try under way will not come to a whole answer. */
  broke(breakage: Breakage): void {
    if (this.#state === 'delivering') {
      this.#over();
      this.#options.driver.breakOff({
        flag: this.#with(ResponseFlag.upstreamReset),
        reason: breakage.reason,
        policy: '',
      });
      return;
    }
    if (this.#state !== 'trying') return;
    this.#timer?.cancel();
    const now = this.#options.around.now();
    const milliseconds = now - this.#triedAt;
    if (this.#saw({ end: breakage.end, status: 0, milliseconds }, { wasSent: breakage.wasSent, now })) return;
    const { reason } = breakage;
    if (breakage.end !== 'connect-failure')
      this.#refuse({ status: BAD_GATEWAY, flag: ResponseFlag.upstreamReset, reason });
    else this.#fallBack({ status: UNAVAILABLE, flag: ResponseFlag.connectFailed, reason });
  }

  /** The caller has gone away. */
  abandoned(): void {
    if (this.#state === 'over') return;
    const isTrying = this.#state === 'trying' || this.#state === 'delivering';
    this.#over();
    if (isTrying) this.#options.driver.drop();
  }

  /** Called by the breaker: it is this request's turn. */
  admitted(): void {
    this.#admission = 'in';
    this.#try(this.#options.around.now());
  }

  /** How the request ended, with what was done to it before. */
  ending(base: Ending): Ending {
    return this.#flags === '' ? base : { ...base, flag: this.#with(base.flag) };
  }

  #disturb({ delayMs, abort }: Fault): void {
    if (delayMs > 0) this.#note(ResponseFlag.delayed);
    const next = (): void => {
      if (abort === undefined) this.#proceed();
      else {
        const { status, grpcStatus } = abort;
        const answer = plainAnswer(status, 'fault filter abort');
        const headers: CompiledAnswer['headers'] =
          grpcStatus === undefined ? answer.headers : [...answer.headers, ['grpc-status', String(grpcStatus)]];
        const reason = 'a rule answers with an error on purpose';
        this.#answer({ ...answer, headers }, { flag: ResponseFlag.faulted, reason });
      }
    };
    if (delayMs === 0) next();
    else this.#timer = this.#options.around.clock.after(delayMs, next);
  }

  #proceed(): void {
    const { route, request, around, driver } = this.#options;
    const way = chooseWay(route, request, around);
    if ('status' in way) {
      this.#refuse(way);
      return;
    }
    this.#way = way;
    const { timeoutMs } = route;
    if (timeoutMs !== undefined) this.#deadline = around.deadlines.after(timeoutMs, () => this.#late(timeoutMs));
    const now = around.now();
    way.destination.budget.request(now);
    for (const copy of way.mirrors) driver.mirror(copy);
    this.#admission = way.destination.breaker.enter(this);
    if (this.#admission === 'in') this.#try(now);
    else if (this.#admission === 'overflow') {
      const { service, counts } = way.destination;
      counts.shed += 1;
      this.#refuse({
        status: UNAVAILABLE,
        flag: ResponseFlag.overloaded,
        reason: `as many requests as a rule allows are under way to ${service.host}`,
      });
    }
  }

  #try(now: number): void {
    const { route, around, driver } = this.#options;
    const way = this.#way;
    if (way === undefined || this.#state === 'over') return;
    const retries = (this.#retries ??= new Retries(route.retries, way, around));
    const target = retries.next(now);
    if (target === undefined) {
      const { group, service } = way.destination;
      const reason = `no instance of ${service.host} may be given requests: ${group.whyNobody()}`;
      this.#fallBack({ status: UNAVAILABLE, flag: ResponseFlag.noInstance, reason });
      return;
    }
    this.#state = 'trying';
    this.#triedAt = now;
    const perTry = route.retries?.perTryTimeoutMs;
    if (perTry !== undefined) this.#timer = around.deadlines.after(perTry, () => this.#tooSlow(perTry));
    const { headers, url, authority } = way.attempt;
    driver.send({ target, headers, url, authority });
  }

  /** Counts a try. Returns true when another one follows. */
  #saw(outcome: Outcome, about: SawFacts): boolean {
    const { around, request, driver } = this.#options;
    const retries = this.#retries;
    if (retries === undefined) return false;
    const { method } = request;
    const verdict = retries.saw(outcome, {
      request: { method, canBeRepeated: driver.canBeRepeated, wasSent: about.wasSent },
      grpcStatus: about.grpcStatus,
      status: about.status ?? outcome.status,
      now: about.now,
    });
    if (verdict !== 'again') {
      if (verdict !== 'enough') this.#note(verdict);
      return false;
    }
    this.#state = 'waiting';
    retries.release();
    this.#timer = around.clock.after(retries.pause(), () => this.#try(around.now()));
    return true;
  }

  #tooSlow(milliseconds: number): void {
    if (this.#state !== 'trying') return;
    this.#options.driver.drop();
    const now = this.#options.around.now();
    if (this.#saw({ end: 'timeout', status: 0, milliseconds }, { wasSent: true, now })) return;
    const reason = `no answer within ${milliseconds} ms, which a rule gives a try`;
    this.#refuse({ status: GATEWAY_TIMEOUT, flag: ResponseFlag.timeout, reason });
  }

  #late(timeoutMs: number): void {
    const { driver, around } = this.#options;
    const reason = `no whole answer within ${timeoutMs} ms, which a rule gives the request`;
    if (this.#state === 'delivering') {
      this.#over();
      driver.breakOff({ flag: this.#with(ResponseFlag.timeout), reason, policy: '' });
      return;
    }
    if (this.#state === 'trying') {
      driver.drop();
      const now = around.now();
      this.#retries?.tooLate({ end: 'timeout', status: 0, milliseconds: now - this.#triedAt }, now);
    }
    this.#refuse({ status: GATEWAY_TIMEOUT, flag: ResponseFlag.timeout, reason });
  }

  /** Nobody can answer: a rule may have an answer for that. */
  #fallBack(refusal: NoDestination): void {
    const { request, around } = this.#options;
    const way = this.#way;
    const earlier = way && earlierAnswer(way, { request, caller: around.caller }, around.now());
    if (earlier !== undefined) {
      const seconds = Math.floor(earlier.ageMs / MS_PER_SECOND);
      this.#note(ResponseFlag.fromCache);
      this.#answer(changedAnswer(earlier.answer, this.responseHeaders), {
        flag: refusal.flag,
        reason: `${refusal.reason}; the last good answer is given, ${seconds} s old`,
      });
      return;
    }
    const { response } = way?.destination.group.policy.fallback ?? {};
    if (way === undefined || response === undefined) this.#refuse(refusal);
    else {
      way.destination.counts.fallbacks += 1;
      const reason = `${refusal.reason}; a rule answers`;
      this.#answer({ ...response, body: Buffer.from(response.body) }, { flag: refusal.flag, reason });
    }
  }

  #refuse({ status, flag, reason, policy = '' }: NoDestination): void {
    this.#answer(plainAnswer(status, reason), { flag, reason, policy });
  }

  #answer(answer: CompiledAnswer, { flag, reason, policy = '' }: Omit<NoDestination, 'status'>): void {
    const ending: Ending = { flag: this.#with(flag), reason, policy };
    this.#over();
    this.#options.driver.answer(answer, ending);
  }

  #note(flag: string): void {
    if (!this.#flags.split(',').includes(flag)) this.#flags = this.#flags === '' ? flag : `${this.#flags},${flag}`;
  }

  #with(flag: string): string {
    if (this.#flags === '') return flag;
    return flag === ResponseFlag.none ? this.#flags : `${flag},${this.#flags}`;
  }

  #over(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#timer?.cancel();
    this.#deadline?.cancel();
    this.#retries?.over();
    const breaker = this.#way?.destination.breaker;
    if (this.#admission === 'in') breaker?.leave();
    else if (this.#admission === 'waiting') breaker?.giveUp(this);
    this.#admission = 'overflow';
  }
}

interface SawFacts {
  readonly wasSent: boolean;
  readonly now: number;
  readonly grpcStatus?: string | undefined;
  /** Of HTTP. */
  readonly status?: number;
}
