import type { ServiceImpl } from '@connectrpc/connect';
import type { TelemetryService } from '@rampart/wire';
import type { TelemetryIntake } from '../../telemetry/telemetry-intake.ts';
import { workloadOf } from '../caller.ts';

/** Where data planes report what happened. The answer means that it is stored. */
export function createTelemetryService(intake: TelemetryIntake): ServiceImpl<typeof TelemetryService> {
  return {
    report: async (batch, context) => {
      await intake.report(workloadOf(context).id, batch);
      return { sequence: batch.sequence };
    },
  };
}
