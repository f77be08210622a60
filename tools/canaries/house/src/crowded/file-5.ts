export const one = 5;
