export const one = 13;
