/** Why something is not read as a report at all. */

export class Refusal extends Error {
  /** `RFC 7493 §2.3`, where one says so. */
  readonly section: string | undefined;

  /** `message`: half a sentence for people, safe to show. */
  constructor(message: string, section?: string) {
    super(message);
    this.section = section;
  }
}
