import type { CheckDefinition, CheckKind } from './check.ts';
import type { CheckRequest } from './check-request.ts';

const USUAL_MS = 10_000;
const USUAL_SCRIPT_MS = 30_000;

/** The checks that a registration asks for, complete. */
export function checkDefinitions(instanceId: string, requests: readonly CheckRequest[]): CheckDefinition[] {
  return requests.map((request, index) => {
    const { kind, failuresBeforeCritical = 0 } = request;
    const checkId = request.checkId ?? `service:${instanceId}${index === 0 ? '' : `:${index + 1}`}`;
    const intervalMs = request.intervalMs ?? usualMs(kind);
    return {
      checkId,
      name: request.name ?? checkId,
      kind,
      intervalMs,
      timeoutMs: Math.min(request.timeoutMs ?? usualMs(kind), intervalMs),
      successBeforePassing: request.successBeforePassing ?? 0,
      failuresBeforeWarning: request.failuresBeforeWarning ?? failuresBeforeCritical,
      failuresBeforeCritical,
      initialStatus: request.initialStatus ?? 'critical',
      ...(request.runBy === undefined ? {} : { runBy: request.runBy }),
    };
  });
}

function usualMs({ type }: CheckKind): number {
  return type === 'script' ? USUAL_SCRIPT_MS : USUAL_MS;
}
