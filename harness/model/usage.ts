/**
 * What was asked for makes no sense: a name that nothing has, a file that is wrong, options that
 * exclude each other. The message says what, and what to do.
 */
export class UsageError extends Error {}
