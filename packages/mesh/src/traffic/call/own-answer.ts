import type { OwnAnswer } from '../settings/route.ts';

/** A refusal in plain text. */
export function plainAnswer(status: number, text: string): OwnAnswer {
  const body = Buffer.from(`${text}\n`);
  return { status, headers: [['content-type', 'text/plain']], body };
}
