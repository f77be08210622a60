/** One registration that the poisoner tried, as the poisoner saw it. */
export interface Registration {
  readonly name: RegistrationName;
  /** HTTP status of the answer; 0 when none came. */
  readonly status: number;
  /** What the registry said, or why nothing came. */
  readonly message: string;
  /** Address the poisoner came from. */
  readonly from: string;
}

export type RegistrationName = 'token of another service' | 'token of the ops team' | 'foreign network';

/** What the poisoner is given to begin with; one line of JSON on its standard input. */
export interface PoisonerTask {
  /** "https://127.0.0.1:8443" */
  readonly registry: string;
  readonly caFile: string;
  readonly stolen: Readonly<Record<RegistrationName, string>>;
}

/** The same for the man in the middle. */
export interface MiddleTask {
  readonly registry: string;
  readonly caFile: string;
}

/** What the man in the middle says, one line each. */
export type MiddleLine =
  /** It listens; `ca` is the PEM root of its certificate. */
  | { readonly kind: 'open'; readonly address: string; readonly ca: string }
  /** It has changed an answer. */
  | { readonly kind: 'changed'; readonly was: string; readonly is: string };

/** Where the poisoner waits for the payments of others: on this host, but not in the network of payment-service. */
export const POISON = '127.6.6.6';
