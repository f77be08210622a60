export const one = 6;
