export const one = 9;
