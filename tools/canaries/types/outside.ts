export const nobodyChecks = 1;
