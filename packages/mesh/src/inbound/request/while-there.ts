import type { Applicant } from './applicant.ts';

/** Gives a signal that aborts when the caller goes away. */
export async function whileThere<T>(applicant: Applicant, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = applicant.onGone(() => controller.abort());
  try {
    return await work(controller.signal);
  } finally {
    stop();
  }
}
