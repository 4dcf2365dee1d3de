/** Thrown when a key service did not do what was asked of it; it may another time, or for somebody else. */
export class KeyServiceError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyServiceError';
  }
}
