export const one = 14;
