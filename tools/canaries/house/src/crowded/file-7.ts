export const one = 7;
