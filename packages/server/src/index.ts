export { createSystemClock } from './clock.ts';
export type { ControlPlaneOptions } from './control-plane-options.ts';
export { type ControlPlane, startControlPlane } from './control-plane.ts';
export { createLogger, type LogDestination, type Logger, type LoggerOptions, type LogLevel } from './log.ts';
export { createSystemRandom } from './random.ts';
export type { AccessLogRetention } from './telemetry/retention.ts';
export { VERSION } from './version.ts';
