export const one = 3;
