/** What a drive complained of in one job and was told of, so that nobody hears it twice. */
export class Complaints {
  /** TapeAlert flags at the last look. */
  flags: readonly string[] = [];
  askedForCleaning = false;
}
