export const one = 15;
