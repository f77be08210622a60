import type { Checkpoints } from '@rampart/journal';
import type { DocumentShelf } from './public-documents.ts';

const NOTE_TYPE = 'text/plain; charset=utf-8';
const KEY_AGE_SECONDS = 3600;

/**
 * `/journal/checkpoint`: the latest signed checkpoint (c2sp.org/tlog-checkpoint). `/journal/key`: the verifier key of its
 * signature (c2sp.org/signed-note). Witnesses and auditors take them without asking anybody.
 */
export function journalDocuments(checkpoints: Pick<Checkpoints, 'latest' | 'key'>): DocumentShelf {
  return (path) => {
    switch (path) {
      case '/journal/checkpoint':
        if (checkpoints.latest === undefined) return 'no checkpoint was signed yet';
        return { type: NOTE_TYPE, body: checkpoints.latest.note, maxAgeSeconds: 0 };
      case '/journal/key':
        return { type: NOTE_TYPE, body: `${checkpoints.key.text}\n`, maxAgeSeconds: KEY_AGE_SECONDS };
      default:
        return undefined;
    }
  };
}
