export const one = 10;
