/** The one error of the pure part of the ledger: bytes that are not what they must be. */

/**
 * Says that bytes from outside are not what the format demands. Verifiers turn it into a problem they report;
 * any other error is a defect. The message says what was expected and what was found.
 */
export class Malformed extends Error {
  constructor(message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'Malformed';
  }
}

/** Returns the message of a `Malformed`; throws every other error on, because it is a defect and no finding. */
export const malformedMessage = (error: unknown): string => {
  if (error instanceof Malformed) return error.message;
  throw error;
};
