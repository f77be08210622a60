export const used = 1;
export const forgotten = 2;
export type Lonely = string;
