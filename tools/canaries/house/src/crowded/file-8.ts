export const one = 8;
