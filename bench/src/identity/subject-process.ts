// One subject in a process of its own: `node subject-process.ts raw | x509 | jwt | memory COUNT`.
import { liveIdentities, renewals, tokens } from './authority.ts';
import { rawCrypto } from './raw.ts';
import type { Work } from './work.ts';

const CALLERS = 64;
const SUBJECTS: Readonly<Record<string, () => Subject | Promise<Subject>>> = {
  raw: rawCrypto,
  x509: () => renewals(CALLERS),
  jwt: () => tokens(CALLERS),
};

/** Works for about so long. */
type Subject = (milliseconds: number) => Promise<Work>;

const [name = '', count = ''] = process.argv.slice(2);
if (name === 'memory') {
  process.send?.(await liveIdentities(Number(count)));
  process.disconnect();
} else {
  const run = await SUBJECTS[name]?.();
  if (run === undefined) throw new Error(`there is no subject ${name}`);
  process.on('message', (message) => void answer(run, message as { readonly milliseconds: number }));
  process.send?.({ ready: true });
}

async function answer(run: Subject, { milliseconds }: { readonly milliseconds: number }): Promise<void> {
  process.send?.(await run(milliseconds));
}

// Threads that write for the authority may outlive whoever asked.
process.on('disconnect', () => process.exit());
