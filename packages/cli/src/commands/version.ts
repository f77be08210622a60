import type { Command } from 'commander';
import { EXIT } from '../exit-code.ts';
import { examples, type Shell } from '../shell.ts';
import { VERSION } from '../version.ts';

export function defineVersion(parent: Command, shell: Shell): void {
  parent
    .command('version')
    .description('print the version of this command')
    .addHelpText(
      'after',
      examples(['rampart version', 'the version'], ['rampart version -o json', 'the same for a script']),
    )
    .action((_options: unknown, command: Command) =>
      shell.run(command, async ({ show }) => {
        show({ data: () => ({ version: VERSION }), table: () => `${VERSION}\n` });
        return EXIT.ok;
      }),
    );
}
