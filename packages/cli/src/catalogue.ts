import { Command, CommanderError } from 'commander';
import { addGlobalOptions, type Shell } from './shell.ts';

/** Declares a command, with its options and what it does. */
export type Definition = (program: Command, shell: Shell) => void;

/** Every command by its name, in the order of the help. */
const CATALOGUE: Readonly<Record<string, () => Promise<Definition>>> = {
  up: async () => (await import('./commands/up.ts')).defineUp,
  run: async () => (await import('./commands/run.ts')).defineRun,
  sidecar: async () => (await import('./commands/sidecar/sidecar.ts')).defineSidecar,
  agent: async () => (await import('./commands/identity/agent.ts')).defineAgent,
  svid: async () => (await import('./commands/identity/svid/svid.ts')).defineSvid,
  diff: async () => (await import('./commands/resources/diff.ts')).defineDiff,
  apply: async () => (await import('./commands/resources/apply.ts')).defineApply,
  history: async () => (await import('./commands/resources/history.ts')).defineHistory,
  get: async () => (await import('./commands/get.ts')).defineGet,
  delete: async () => (await import('./commands/delete.ts')).defineDelete,
  registry: async () => (await import('./commands/registry/registry.ts')).defineRegistry,
  authz: async () => (await import('./commands/authz/authz.ts')).defineAuthz,
  analyze: async () => (await import('./commands/analyze.ts')).defineAnalyze,
  'tls-check': async () => (await import('./commands/tls-check.ts')).defineTlsCheck,
  ca: async () => (await import('./commands/ca/ca.ts')).defineCa,
  logs: async () => (await import('./commands/logs.ts')).defineLogs,
  describe: async () => (await import('./commands/traffic/describe.ts')).defineDescribe,
  top: async () => (await import('./commands/traffic/top.ts')).defineTop,
  token: async () => (await import('./commands/token.ts')).defineToken,
  certs: async () => (await import('./commands/certs/certs.ts')).defineCerts,
  revoke: async () => (await import('./commands/identity/revoke.ts')).defineRevoke,
  quarantine: async () => (await import('./commands/traffic/quarantine.ts')).defineQuarantine,
  acl: async () => (await import('./commands/registry/acl.ts')).defineAcl,
  jwt: async () => (await import('./commands/trust/jwt.ts')).defineJwt,
  federation: async () => (await import('./commands/trust/federation.ts')).defineFederation,
  'api-token': async () => (await import('./commands/trust/api-token.ts')).defineApiToken,
  audit: async () => (await import('./commands/audit/audit.ts')).defineAudit,
  backup: async () => (await import('./commands/backup/backup.ts')).defineBackup,
  restore: async () => (await import('./commands/backup/restore.ts')).defineRestore,
  status: async () => (await import('./commands/status.ts')).defineStatus,
  version: async () => (await import('./commands/version.ts')).defineVersion,
};

/**
 * The definitions that a command line needs: that of the command which it names, or all of them where it names none that there is,
 * because help and suggestions speak of every command. What a command does not need is not loaded: that is most of a start.
 */
export async function definitionsFor(words: readonly string[]): Promise<Definition[]> {
  const name = commandNamed(words);
  const load = name !== undefined && Object.hasOwn(CATALOGUE, name) ? CATALOGUE[name] : undefined;
  return load === undefined ? Promise.all(Object.values(CATALOGUE).map((each) => each())) : [await load()];
}

/** The first word that is no global option or its value. */
function commandNamed(words: readonly string[]): string | undefined {
  const reader = new Command().exitOverride().configureOutput({ outputError: () => undefined });
  addGlobalOptions(reader);
  try {
    return reader.parseOptions([...words]).operands[0];
  } catch (error) {
    // A global option that is wrong is reported when the line is read as a whole.
    if (error instanceof CommanderError) return undefined;
    throw error;
  }
}
