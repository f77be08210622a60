import type { CompiledAnswer } from '@rampart/core';

/** A refusal in plain text. */
export function plainAnswer(status: number, text: string): CompiledAnswer {
  const body = Buffer.from(`${text}\n`);
  return { status, headers: [['content-type', 'text/plain']], body };
}
