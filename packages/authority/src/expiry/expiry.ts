const DAY_MS = 24 * 3600 * 1000;

/** How many days before its end something is said about a long-lived certificate, and how urgent that is. */
export const WARNINGS: readonly { readonly days: number; readonly severity: 'info' | 'warning' | 'critical' }[] = [
  { days: 60, severity: 'info' },
  { days: 30, severity: 'warning' },
  { days: 7, severity: 'critical' },
];

/** Certificates that live longer are long-lived: the others are renewed so often that their end is no news. */
export const LONG_LIVED_MS: number = 14 * DAY_MS;
/** Nothing is said before. */
export const FIRST_WARNING_MS: number = 60 * DAY_MS;
/** What should have been renewed and has less left is told to renew now. */
const LAST_DAYS_MS = 7 * DAY_MS;

/** When a certificate is valid, Unix milliseconds. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The most urgent warning that is due at `now`; undefined without one, and for what has ended or has not begun. */
export function dueWarning({ notBefore, notAfter }: Validity, now: number): (typeof WARNINGS)[number] | undefined {
  const life = notAfter - notBefore;
  if (life <= LONG_LIVED_MS || now < notBefore || now >= notAfter) return undefined;
  return WARNINGS.findLast(({ days }) => notAfter - now <= days * DAY_MS && life > days * DAY_MS);
}

/** When a renewal after this share of a life is late: a quarter of what is left then has passed, too. */
export function lateAt({ notBefore, notAfter }: Validity, renewalShare: number): number {
  const due = notBefore + (notAfter - notBefore) * renewalShare;
  return due + (notAfter - due) / 4;
}

/** Whether a late certificate is told to renew now. */
export function mustRotate({ notAfter }: Validity, now: number): boolean {
  return notAfter - now < LAST_DAYS_MS;
}
