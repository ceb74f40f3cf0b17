/**
 * The Rust core. Its errors are `Error`s with the `code` and `kind` of errors.ts. Loading it takes some milliseconds, so
 * commands that do not need it import this module lazily.
 */
export * from '#native';
