import type { CertificateAuthority } from '@rampart/wire';
import type { Command } from 'commander';
import { EXIT } from '../../exit-code.ts';
import type { Palette } from '../../render/colour.ts';
import { renderSpan, renderTime } from '../../render/moment.ts';
import { type Cell, columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { authorityData } from './authority-view.ts';

const UPSTREAMS: Readonly<Record<string, string>> = {
  own: 'a root of its own',
  root: 'a root on a disk of its own',
  external: 'an external CA',
  'by-hand': 'somebody who signs by hand',
};

export function defineCaShow(parent: Command, shell: Shell): void {
  parent
    .command('show', { isDefault: true })
    .description('roots and intermediates: which one signs, which one is next, and until when')
    .option('--all', 'revoked and retired ones, too')
    .addHelpText(
      'after',
      examples(
        ['rampart ca', 'what signs now, and what comes next'],
        ['rampart ca show --all -o json', 'everything that ever signed, with the certificates'],
      ),
    )
    .action((options: { readonly all?: true }, command: Command) =>
      shell.run(command, (invocation) => showAuthorities(options.all === true, invocation)),
    );
}

async function showAuthorities(all: boolean, { withAdmin, show, note, io, palette }: Invocation): Promise<number> {
  const answer = await withAdmin((client) => client.listAuthorities({}));
  const { upstream, warnings, requestedAt, bundleSequence } = answer;
  const authorities = answer.authorities.filter(({ state }) => all || (state !== 'revoked' && state !== 'retired'));
  const now = io.clock.now();
  show({
    data: () => ({
      upstream,
      bundleSequence: Number(bundleSequence),
      requestedAt: renderTime(Number(requestedAt)),
      warnings,
      authorities: authorities.map((authority) => ({ ...authorityData(authority), inUse: authority.inUse })),
    }),
    table: () =>
      renderTable(
        columnsOf('KIND', 'SERIAL', 'STATE', 'SINCE', 'ENDS', 'IN USE', 'NEXT', 'KEY'),
        authorities.map((authority) => [
          authority.kind,
          authority.serial,
          stateOf(authority, palette),
          `${renderSpan(now - Number(authority.since))} ago`,
          renderTime(Number(authority.notAfter)),
          String(authority.inUse),
          nextOf(authority, answer),
          authority.canSign ? 'here' : 'elsewhere',
        ]),
      ),
  });
  note(`intermediates are signed by ${UPSTREAMS[upstream] ?? upstream}; trust bundle number ${bundleSequence}`);
  if (requestedAt !== 0n) note(`a signing request is out since ${renderTime(Number(requestedAt))}: rampart ca install`);
  for (const warning of warnings) note(`warning: ${warning}`);
  return EXIT.ok;
}

function stateOf({ state }: CertificateAuthority, palette: Palette): Cell {
  if (state === 'active') return { text: state, paint: palette.good };
  if (state === 'tainted' || state === 'revoked') return { text: state, paint: palette.bad };
  return state === 'prepared' ? state : { text: state, paint: palette.dim };
}

interface Listed {
  readonly upstream: string;
  readonly authorities: readonly CertificateAuthority[];
}

function nextOf(authority: CertificateAuthority, { upstream, authorities }: Listed): string {
  const [made, signs] = [authority.prepareAt, authority.activateAt].map((at) => renderTime(Number(at)).slice(0, 10));
  if (authority.prepareAt === 0n) return '';
  const root = authorities.find(({ serial }) => serial === authority.root);
  const isMadeHere = authority.kind === 'root' ? upstream === 'own' && authority.canSign : root?.canSign === true;
  const isAskedFor = authority.kind === 'intermediate' && upstream === 'external';
  return isMadeHere || isAskedFor ? `made ${made}, signs ${signs}` : `needed by ${signs}`;
}
