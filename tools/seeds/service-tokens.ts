import { TokenService, type ServiceClaims } from './token-service.ts';
import { accepted, refused, type SeedVerdict } from './verdict.ts';

/** Claims that a seed prints: signed, they must be let in by a service that is asked for by them, before their end. */
export async function judgeServiceToken(claims: ServiceClaims): Promise<SeedVerdict> {
  const scopes = claims.scope.split(' ');
  const service = new TokenService(claims, { scopes, now: claims.exp - 1 });
  const answer = await service.answer(service.token(claims));
  return answer === 'allowed'
    ? accepted(`token of ${claims.sub} for ${claims.aud}, scopes ${scopes.join(', ')}`)
    : refused(`a token with these claims gets ${answer}`);
}

const STATUS: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403 };

/**
 * A check of tokens in another language, as a table: each validation says whom it turns away, in its order. Ours must
 * turn the same tokens away with the same words, an earlier validation before a later one.
 */
export async function judgeTokenCheck(text: string): Promise<SeedVerdict> {
  const refusals = [...text.matchAll(/raise (\w+)\("([^"]+)"\)/g)].map(
    ([, kind = '', message = '']) => `${STATUS[kind] ?? kind} ${message}`,
  );
  const audience = /\['aud'\] != '([^']+)'/.exec(text)?.[1];
  if (refusals.length !== 3 || audience === undefined) return refused('no check of expiry, audience and scope');
  const now = 1_700_000_000;
  const good = { iss: 'https://issuer.example', sub: 'service:a', aud: audience, exp: now + 60, scope: 'read' };
  const faults: readonly Partial<ServiceClaims>[] = [
    { exp: now - 1 },
    { aud: `${audience}-other` },
    { scope: 'write' },
  ];
  const service = new TokenService(good, { scopes: ['read'], now });
  const stranger = new TokenService(good, { scopes: ['read'], now });
  const wrong: string[] = [];
  const withFaults = (from: number): ServiceClaims => {
    const claims = { ...good };
    for (const fault of faults.slice(from)) Object.assign(claims, fault);
    return claims;
  };
  const expect = async (token: string, wanted: string): Promise<void> => {
    const answer = await service.answer(token);
    if (answer !== wanted) wrong.push(`${answer} instead of ${wanted}`);
  };
  await expect(service.token(good), 'allowed');
  // Each validation alone, and before all that come after it.
  for (const [index, fault] of faults.entries()) {
    await expect(service.token({ ...good, ...fault }), refusals[index] ?? '');
    await expect(service.token(withFaults(index)), refusals[index] ?? '');
  }
  const forged = await service.answer(stranger.token(withFaults(0)));
  if (forged !== '401 Jwt verification fails') wrong.push(`${forged} for a signature of somebody else`);
  return wrong.length === 0
    ? accepted(`signature, then ${refusals.map((each) => each.toLowerCase()).join(', ')}`)
    : refused(wrong.join('; '));
}
