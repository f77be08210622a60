export const one = 12;
