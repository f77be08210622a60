// TODO: finish this
// @ts-ignore
export * from './other.ts';
// oxlint-disable-next-line no-console
export const options: object = { rejectUnauthorized: false };
export const doubled: number = 'text' as unknown as number;
export const now: Date = new Date();
// It lies in /home/someone/rampart on the author's machine.
export const blind = 'NODE_TLS_REJECT_UNAUTHORIZED';
