import { RampartError } from '@rampart/core';
import type { TrustBundle } from '@rampart/spiffe';
import type { Requester } from '../authority.ts';
import type { AuthorityState, CaRequestRecord, CertificateRecord, HierarchyChange, HierarchyNotes } from '../store.ts';
import { AuthoritySet } from './authority-set.ts';
import type {
  Activation,
  AuthorityDescription,
  HierarchyControl,
  HierarchyEvent,
  HierarchyListener,
  HierarchyStatus,
  Target,
} from './control.ts';
import { describeAuthority, warningsOf } from './description.ts';
import { type ForeignAuthority, readForeignAuthority, readForeignRoot } from './upstream/foreign-authority.ts';
import { type HeldAuthority, isOver, isPublished, isValidAt, type SigningAuthority, toSign } from './held-authority.ts';
import { createRequest, reopenRequest } from './upstream/intermediate-request.ts';
import { demandState, elsewhere, nothingSigns } from './problems.ts';
import { reopenHierarchy } from './reopening.ts';
import { knownAt } from './rotation-rule.ts';
import { commonNameOf, createAuthority, holdAuthority, readCertificate } from './signing-authority.ts';
import type { HierarchyOptions } from './signing-authority.ts';
import { BY_ITSELF, type Occasion, StepJournal } from './step-journal.ts';
import type { ExternalCa } from './upstream/upstream.ts';
import { Upkeep } from './upkeep.ts';

type Kind = AuthorityDescription['kind'];

/** Who hears of revoked authorities. */
export interface HierarchyHooks {
  revoked(certificate: CertificateRecord): Promise<void>;
}

const MADE: Occasion = { by: BY_ITSELF, reason: 'the first of its kind' };
const RESTORED: Occasion = { by: BY_ITSELF, reason: 'it was revoked before an old database was put back' };

/**
 * The roots and the intermediates below them. A root's key signs intermediates only, an intermediate's key leaves only. Several
 * of each overlap: the next is there before it is needed, the last until nothing that it signed is left.
 */
export class Hierarchy implements HierarchyControl {
  readonly #options: HierarchyOptions;
  readonly #hooks: HierarchyHooks;
  readonly #set: AuthoritySet;
  readonly #steps: StepJournal;
  readonly #upkeep: Upkeep;
  readonly #listeners = new Set<HierarchyListener>();
  #sequence: number;
  /** It is out, and has not come back signed. */
  #request: CaRequestRecord | undefined;
  /** One step after the other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: HierarchyOptions, hooks: HierarchyHooks, stored: Stored) {
    this.#options = options;
    this.#hooks = hooks;
    this.#set = stored.set;
    this.#sequence = stored.notes.bundleSequence;
    this.#request = stored.notes.request;
    this.#steps = new StepJournal(options);
    this.#upkeep = new Upkeep(options, this.#set, {
      prepare: (kind, reason) => this.#prepare(kind, { by: BY_ITSELF, reason }),
      activate: (held, reason) => this.#activate(held, { by: BY_ITSELF, reason }),
      retire: (held, reason) => this.#retire(held, { by: BY_ITSELF, reason }),
      failed: (step, reason) => this.#steps.failed(step, reason, BY_ITSELF),
    });
  }

  /**
   * Continues the stored hierarchy, or makes what is missing of it: all at the first opening. `revoked` are the serials of
   * authorities that must not sign, though an old database that was put back may say so.
   */
  static async open(
    { revoked, ...options }: HierarchyOptions & { readonly revoked: readonly string[] },
    hooks: HierarchyHooks,
  ): Promise<Hierarchy> {
    const set = new AuthoritySet(await reopenHierarchy(options));
    const notes = await options.store.hierarchyNotes();
    const hierarchy = new Hierarchy(options, hooks, { set, notes });
    await hierarchy.#exclusive(async () => {
      for (const serial of revoked) await hierarchy.#shutOut(serial);
      await hierarchy.#establish();
    });
    return hierarchy;
  }

  bundle(): TrustBundle {
    const roots = this.#set.publishedRoots().map(({ certificate }) => certificate.der);
    return { trustDomain: this.#options.trustDomain, roots, jwtAuthorities: [], sequence: this.#sequence };
  }

  /** What signs leaves now. */
  async issuer(): Promise<SigningAuthority> {
    const signing = this.#signing();
    if (signing !== undefined) return signing;
    // Between two rounds of upkeep the clock may have jumped.
    await this.tend();
    const next = this.#signing();
    if (next !== undefined) return next;
    throw this.#upkeep.failure ?? nothingSigns();
  }

  tend(): Promise<void> {
    return this.#exclusive(() => this.#upkeep.run());
  }

  status(): HierarchyStatus {
    const { upstream, lifetimes, clock } = this.#options;
    const failure = this.#upkeep.failure?.message;
    const warnings = warningsOf(this.describe(), { upstream: upstream.kind, lifetimes, now: clock.now(), failure });
    return { upstream: upstream.kind, warnings, requestedAt: this.#request?.createdAt };
  }

  describe(): readonly AuthorityDescription[] {
    return this.#set.all().map((held) => this.#describe(held));
  }

  /** Those that have signed something that may be valid, and whose key is here. */
  crlIssuers(): readonly SigningAuthority[] {
    const now = this.#options.clock.now();
    return this.#set.all().flatMap((held) => (isPublished(held) && isValidAt(held, now) ? (toSign(held) ?? []) : []));
  }

  isTainted(serial: string): boolean {
    return this.#set.find(serial)?.record.state === 'tainted';
  }

  taintedKeyIds(): readonly string[] {
    const tainted = this.#set.all().filter(({ record }) => record.state === 'tainted');
    return tainted.flatMap(({ certificate: { subjectKeyId } }) =>
      subjectKeyId === undefined ? [] : Buffer.from(subjectKeyId).toString('hex'),
    );
  }

  onChange(listener: HierarchyListener): () => void {
    const own: HierarchyListener = (event) => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  prepare(kind: Kind, by: Requester): Promise<AuthorityDescription> {
    return this.#exclusive(async () => {
      const [waiting] = this.#set.inState(kind, 'prepared');
      if (waiting !== undefined) {
        throw new RampartError(
          'ALREADY_EXISTS',
          `the ${kind} ${waiting.record.serial} is prepared already; activate it, or revoke it first`,
        );
      }
      return this.#describe(await this.#prepare(kind, { by, reason: 'asked for' }));
    });
  }

  publish(der: Uint8Array, by: Requester): Promise<AuthorityDescription> {
    return this.#exclusive(async () => {
      const root = readForeignRoot(der, this.#options);
      const known = this.#set.same(root)?.record;
      if (known !== undefined) {
        throw new RampartError(
          'ALREADY_EXISTS',
          `the root ${known.serial} is known here already; it is ${known.state}`,
        );
      }
      await this.#add(root, root.record.name, { by, reason: 'asked for' });
      return this.#describe(root);
    });
  }

  activate({ kind, serial, now }: Activation, by: Requester): Promise<AuthorityDescription> {
    return this.#exclusive(async () => {
      const next = serial === '' ? this.#set.inState(kind, 'prepared')[0] : this.#set.get(serial);
      if (next === undefined) {
        throw new RampartError('NOT_FOUND', `no ${kind} is prepared; make one first: rampart ca prepare ${kind}`);
      }
      this.#checkActivation(next, now);
      await this.#activate(next, { by, reason: 'asked for' });
      return this.#describe(this.#set.get(next.record.serial));
    });
  }

  taint({ serial, reason }: Target, by: Requester): Promise<AuthorityDescription> {
    return this.#exclusive(async () => {
      const bad = this.#set.get(serial);
      demandState(bad, ['active', 'old'], 'only an authority that signs or has signed can be tainted');
      const occasion = { by, reason };
      const affected = bad.record.kind === 'root' ? [bad, ...this.#set.below(bad).filter(isPublished)] : [bad];
      await this.#replace(affected, occasion);
      await this.#move(
        affected.map((held) => ({ held, state: 'tainted' })),
        occasion,
      );
      return this.#describe(this.#set.get(serial));
    });
  }

  revoke({ serial, reason }: Target, by: Requester): Promise<AuthorityDescription> {
    return this.#exclusive(async () => {
      const bad = this.#set.get(serial);
      demandState(bad, ['tainted', 'prepared'], 'taint it first, so that nothing that is in use stands on it');
      for (const held of this.#standing(bad)) {
        // Until it is revoked for everybody it is not here either, so that whoever was interrupted goes on with it.
        await this.#hooks.revoked(await this.#steps.revoked(held, { by, reason }));
        await this.#commit({ states: [this.#stateOf(held, 'revoked')] });
      }
      return this.#describe(this.#set.get(serial));
    });
  }

  request(fresh: boolean, by: Requester): Promise<Uint8Array> {
    return this.#exclusive(async () => {
      const pending = this.#request;
      if (pending !== undefined && !fresh) return (await reopenRequest(pending, this.#options)).csr;
      const { csr, keyName, createdAt } = await createRequest(this.#options);
      await this.#options.store.changeHierarchy({ request: { keyName, createdAt } });
      this.#request = { keyName, createdAt };
      await this.#steps.requested(keyName, by);
      return csr;
    });
  }

  install(chain: readonly Uint8Array[], by: Requester): Promise<AuthorityDescription> {
    return this.#exclusive(async () => {
      const pending = this.#request;
      if (pending === undefined) {
        throw new RampartError('NOT_FOUND', 'no signing request is out; make one first: rampart ca request');
      }
      const { keyName, signer } = await reopenRequest(pending, this.#options);
      const foreign = readForeignAuthority(chain, { keyName, signer }, this.#options);
      const held = await this.#install(foreign, { by, reason: 'installed' });
      await this.#options.store.changeHierarchy({ request: 'none' });
      this.#request = undefined;
      return this.#describe(held);
    });
  }

  /** What stands with an authority, itself last. */
  #standing(held: HeldAuthority): readonly HeldAuthority[] {
    return held.record.kind === 'root' ? [...this.#set.below(held).filter(isPublished), held] : [held];
  }

  /** Everybody else knows already; whether there is another one is asked afterwards. */
  async #shutOut(serial: string): Promise<void> {
    const bad = this.#set.find(serial);
    if (bad === undefined || isOver(bad.record.state)) return;
    for (const held of this.#standing(bad)) {
      await this.#steps.revoked(held, RESTORED);
      await this.#commit({ states: [this.#stateOf(held, 'revoked')] });
    }
  }

  /** Whatever is missing: everything at the first opening, the rest when that ended half-way. */
  async #establish(): Promise<void> {
    const { upstream } = this.#options;
    if (upstream.kind === 'root') await this.#adopt(upstream.root.der);
    if (upstream.kind === 'own' && this.#set.active('root') === undefined) await this.#make('root', 'active', MADE);
    if (this.#set.active('intermediate') === undefined) {
      if (upstream.kind === 'by-hand') return;
      await this.#make('intermediate', 'active', MADE);
    }
    await this.#upkeep.run();
  }

  /** A root whose key is kept elsewhere. */
  async #adopt(der: Uint8Array): Promise<HeldAuthority> {
    const { upstream, clock } = this.#options;
    const signer = upstream.kind === 'root' ? upstream.root.signer : undefined;
    const name = commonNameOf('root', readCertificate(der).serial);
    const root = holdAuthority(
      { kind: 'root', name, keyName: '', der, upstream: [], state: this.#firstState('root'), since: clock.now() },
      signer,
    );
    const known = this.#set.same(root);
    if (known !== undefined && isOver(known.record.state)) {
      const { serial, state } = known.record;
      throw new RampartError(
        'INVALID_CERTIFICATE',
        `the root ${serial} of --root is ${state} here; start with another`,
      );
    }
    if (known !== undefined) return known;
    await this.#add(root, root.record.name, { by: BY_ITSELF, reason: 'root of the configured upstream' });
    return root;
  }

  /** Nobody knows of another one that would have to go on signing meanwhile. */
  #firstState(kind: Kind): 'active' | 'prepared' {
    return this.#set.active(kind) === undefined ? 'active' : 'prepared';
  }

  #prepare(kind: Kind, occasion: Occasion): Promise<HeldAuthority> {
    return this.#make(kind, 'prepared', occasion);
  }

  async #make(kind: Kind, state: 'prepared' | 'active', occasion: Occasion): Promise<HeldAuthority> {
    const { upstream } = this.#options;
    if (kind === 'root') {
      if (upstream.kind !== 'own')
        throw elsewhere('root', 'make one there, and publish it: rampart ca prepare root --certificate FILE');
      const root = await createAuthority(this.#options, state);
      await this.#add(root, root.record.name, occasion);
      return root;
    }
    if (upstream.kind === 'external') return this.#ask(upstream.ca, state, occasion);
    const root = this.#set.active('root');
    const issuer = root === undefined ? undefined : toSign(root);
    if (root === undefined || issuer === undefined) {
      throw elsewhere('intermediate', 'ask for one with: rampart ca request');
    }
    const intermediate = await createAuthority(this.#options, state, issuer);
    await this.#add(intermediate, root.record.name, occasion);
    return intermediate;
  }

  /** Has the external CA sign one. */
  async #ask(ca: ExternalCa, state: 'prepared' | 'active', occasion: Occasion): Promise<HeldAuthority> {
    const { csr, keyName, signer } = await createRequest(this.#options);
    const chain = await ca.sign(csr);
    const roots = [...ca.roots, ...this.#vouchedFor()];
    const foreign = readForeignAuthority(chain, { keyName, signer, roots }, this.#options);
    const held = await this.#install(foreign, occasion);
    if (state === 'active') await this.#activate(held, occasion);
    return this.#set.get(held.record.serial);
  }

  /** DER: what is below these is trusted by everybody already, or soon. */
  #vouchedFor(): readonly Uint8Array[] {
    const roots = [...this.#set.inState('root', 'prepared'), ...this.#set.inState('root', 'active')];
    return roots.map(({ certificate }) => certificate.der);
  }

  /** Its root, when that is new, is published first. */
  async #install({ intermediate, root }: ForeignAuthority, occasion: Occasion): Promise<HeldAuthority> {
    const known = this.#set.same(root);
    if (this.#set.same(intermediate) !== undefined) {
      throw new RampartError('ALREADY_EXISTS', `the intermediate ${intermediate.record.serial} is known here already`);
    }
    if (known !== undefined && isOver(known.record.state)) {
      throw new RampartError('INVALID_CERTIFICATE', `root ${root.record.serial} is ${known.record.state} here`);
    }
    if (known === undefined) await this.#add(root, root.record.name, occasion);
    await this.#add(intermediate, root.record.name, occasion);
    return intermediate;
  }

  #checkActivation(next: HeldAuthority, atOnce: boolean): void {
    demandState(next, ['prepared'], 'only a prepared authority can be activated');
    const now = this.#options.clock.now();
    if (!isValidAt(next, now)) {
      throw new RampartError('INVALID_ARGUMENT', `authority ${next.record.serial} is not valid at this time`);
    }
    if (next.record.kind === 'root' && next.signer === undefined) {
      throw elsewhere('root', 'install an intermediate that it signed, and activate that');
    }
    const root = next.record.kind === 'root' ? next : this.#set.rootOf(next);
    const heardAt = knownAt(root?.record, this.#options.lifetimes);
    if (atOnce || now >= heardAt) return;
    throw new RampartError(
      'INVALID_ARGUMENT',
      `root ${root?.record.serial ?? ''} was published a short while ago, and a workload that was cut off since may not know it before ${new Date(heardAt).toISOString()}; wait until then, or activate it now all the same with --now`,
    );
  }

  /** The one that signed before goes on to be good; a root takes over with the first intermediate below it. */
  async #activate(next: HeldAuthority, occasion: Occasion): Promise<void> {
    const root = next.record.kind === 'intermediate' ? this.#set.rootOf(next) : undefined;
    const rising = root?.record.state === 'prepared' ? [root, next] : [next];
    const falling = rising.flatMap(({ record }) => this.#set.active(record.kind) ?? []);
    const moves: readonly Move[] = [
      ...falling.map((held) => ({ held, state: 'old' }) as const),
      ...rising.map((held) => ({ held, state: 'active' }) as const),
    ];
    await this.#move(moves, occasion);
  }

  /** Nothing that is about to be tainted may go on to sign. */
  async #replace(bad: readonly HeldAuthority[], occasion: Occasion): Promise<void> {
    const active = bad.filter(({ record }) => record.state === 'active');
    const root = active.find(({ record }) => record.kind === 'root');
    if (root !== undefined) {
      throw new RampartError(
        'INVALID_ARGUMENT',
        `root ${root.record.serial} signs; another one must be known to everybody first: rampart ca prepare root, then rampart ca activate root`,
      );
    }
    if (active.length === 0) return;
    const now = this.#options.clock.now();
    const ready = this.#set
      .inState('intermediate', 'prepared')
      .filter((each) => !bad.includes(each) && isValidAt(each, now));
    const known = ready.find((each) => now >= knownAt(this.#set.rootOf(each)?.record, this.#options.lifetimes));
    const made = (): Promise<HeldAuthority> =>
      this.#prepare('intermediate', occasion).catch((error: unknown) => {
        // One whose root not everybody has heard of is better than none.
        if (ready[0] !== undefined) return ready[0];
        throw error;
      });
    await this.#activate(known ?? (await made()), occasion);
  }

  async #retire(held: HeldAuthority, occasion: Occasion): Promise<void> {
    await this.#move([{ held, state: 'retired' }], occasion);
  }

  /** `issuer`: name of whoever signed it. */
  async #add(held: HeldAuthority, issuer: string, occasion: Occasion): Promise<void> {
    await this.#steps.added(held, issuer, occasion);
    await this.#commit({ added: [held.record] }, [held]);
  }

  async #move(moves: readonly Move[], occasion: Occasion): Promise<void> {
    await Promise.all(moves.map(({ held, state }) => this.#steps.moved(held, state, occasion)));
    await this.#commit({ states: moves.map(({ held, state }) => this.#stateOf(held, state)) });
  }

  #stateOf({ record }: HeldAuthority, state: AuthorityState): { serial: string; state: AuthorityState; since: number } {
    return { serial: record.serial, state, since: this.#options.clock.now() };
  }

  /** Store first, then memory, then whoever listens. */
  async #commit(change: HierarchyChange, added: readonly HeldAuthority[] = []): Promise<void> {
    const states = change.states ?? [];
    const moved = states.map(({ serial, ...state }) => {
      const held = this.#set.get(serial);
      return { ...held, record: { ...held.record, ...state }, signer: isOver(state.state) ? undefined : held.signer };
    });
    const touched = [...added, ...moved];
    const wasPublished = (held: HeldAuthority): boolean => {
      const before = this.#set.find(held.record.serial);
      return before !== undefined && isPublished(before);
    };
    const bundle = touched.some((held) => held.record.kind === 'root' && isPublished(held) !== wasPublished(held));
    const bundleSequence = this.#sequence + 1;
    await this.#options.store.changeHierarchy(bundle ? { ...change, bundleSequence } : change);
    for (const held of touched) this.#set.put(held);
    if (bundle) this.#sequence = bundleSequence;
    const tainted = states.filter(({ state }) => state === 'tainted').map(({ serial }) => serial);
    if (bundle || tainted.length > 0) this.#tell({ bundle, tainted });
  }

  #tell(event: HierarchyEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #signing(): SigningAuthority | undefined {
    const active = this.#set.active('intermediate');
    return active !== undefined && isValidAt(active, this.#options.clock.now()) ? toSign(active) : undefined;
  }

  #describe(held: HeldAuthority): AuthorityDescription {
    return describeAuthority(held, { root: this.#set.rootOf(held), lifetimes: this.#options.lifetimes });
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

interface Stored {
  readonly set: AuthoritySet;
  readonly notes: HierarchyNotes;
}

interface Move {
  readonly held: HeldAuthority;
  readonly state: AuthorityState;
}
