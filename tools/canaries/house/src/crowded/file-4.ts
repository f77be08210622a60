export const one = 4;
