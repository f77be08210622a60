// One subject in a process of its own: `node subject-process.ts raw | x509 | memory COUNT`.
import { liveIdentities, renewals } from './authority.ts';
import { rawCrypto } from './raw.ts';
import type { Work } from './work.ts';

const CALLERS = 64;

const [name = '', count = ''] = process.argv.slice(2);
if (name === 'memory') {
  process.send?.(await liveIdentities(Number(count)));
  process.disconnect();
} else {
  const run = name === 'raw' ? rawCrypto() : await renewals(CALLERS);
  process.on('message', (message) => void answer(run, message as { readonly milliseconds: number }));
  process.send?.({ ready: true });
}

async function answer(
  run: (milliseconds: number) => Promise<Work>,
  { milliseconds }: { readonly milliseconds: number },
): Promise<void> {
  process.send?.(await run(milliseconds));
}
