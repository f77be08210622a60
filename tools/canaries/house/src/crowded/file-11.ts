export const one = 11;
