import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { Authority } from '@rampart/authority';
import type { Clock } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { Registry } from '@rampart/registry';
import type { AdminService } from '@rampart/wire';
import type { ListeningAgents } from '../../../agents/listening-agents.ts';
import type { DataPlanes } from '../../../control/data-planes.ts';
import type { WorkloadDirectory } from '../../../control/workload-directory.ts';
import type { PolicyDesk } from '../../../resources/policy-desk.ts';
import type { Operator } from '../../../resources/policy-desk.ts';
import type { ResourceSet } from '../../../resources/resource-set.ts';
import type { LogTail } from '../../../telemetry/log-tail.ts';
import type { AccessLogStore } from '../../../telemetry/store.ts';
import { adminOf, connectionOf } from '../../caller.ts';

/** What the admin API is a window on. */
export interface AdminParts {
  readonly authority: Authority;
  readonly registry: Registry;
  readonly journal: Journal;
  readonly resources: ResourceSet;
  readonly desk: PolicyDesk;
  readonly dataPlanes: DataPlanes;
  readonly agents: ListeningAgents;
  /** Labels of those who hold certificates. */
  readonly directory: WorkloadDirectory;
  readonly logs: AccessLogStore;
  readonly tail: LogTail;
  readonly clock: Clock;
  readonly trustDomain: string;
  readonly rootNamespace: string;
  readonly version: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** Revision of the mesh now. */
  revision(): number;
}

/** A part of the implementation of the admin API. */
export type AdminMethods<Name extends keyof ServiceImpl<typeof AdminService>> = Pick<
  ServiceImpl<typeof AdminService>,
  Name
>;

/** The operator behind a call; refuses a call that has none. */
export function operatorOf(context: HandlerContext): Operator {
  return { name: adminOf(context), sourceIp: connectionOf(context).remoteAddress };
}

/** A limit as callers give it, 0 for the default. */
export function limitOf(asked: number, bounds: { readonly standard: number; readonly most: number }): number {
  return Math.min(asked === 0 ? bounds.standard : asked, bounds.most);
}
