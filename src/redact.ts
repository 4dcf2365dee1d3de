/** Takes secrets out of what is about to be logged: by the name they stand under and by their looks (promise 8). */

const REDACTED = '[redacted]';
const DEPTH = 6;

/**
 * Names whose string value is never shown, compared without case and punctuation: `x-api-key`, `apiKey`, `id_token`.
 * `tokens`, `token_type`, `keys` and the like stay, because they do not end so.
 */
const SECRET_NAME = /(?:authorization|cookie2?|secret|password|passphrase|token|apikey|googkey|privatekey|credential)$/;
const SECRET_NAMES = new Set(['key', 'jwt', 'assertion', 'recordingkey', 'ledgerkey', 'body']);

/** Returns true when a value under this name is never shown. */
const isSecretName = (name: string): boolean => {
  const folded = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return SECRET_NAMES.has(folded) || SECRET_NAME.test(folded);
};

/** Secrets inside other text: JWTs, credentials after their scheme, keys of model vendors, userinfo in a URL. */
const SECRET_TEXT =
  /\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)*|(?<=\b(?:bearer|basic|dpop)\s+)[\w.~+/=-]{8,}|\b(?:sk|pk|rk|xai|gsk|hf|ghp|gho)[-_][\w-]{16,}|(?<=:\/\/)[^\s/@]+(?=@)/giu;

/** Returns `text` with everything that looks like a secret replaced. */
export const redactText = (text: string): string => text.replaceAll(SECRET_TEXT, REDACTED);

const redactError = (error: Error, depth: number): Readonly<Record<string, unknown>> => ({
  type: error.name,
  ...('reason' in error && typeof error.reason === 'string' ? { reason: error.reason } : {}),
  ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
  message: redactText(error.message),
  ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
  ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, depth + 1) }),
});

/** In a flat list of field lines (name, value, name, value) the name stands before its secret. */
const redactList = (values: readonly unknown[], depth: number): readonly unknown[] =>
  values.map((value, at) => {
    const before = values[at - 1];
    if (at % 2 === 1 && typeof value === 'string' && typeof before === 'string' && isSecretName(before))
      return REDACTED;
    return redactValue(value, depth + 1);
  });

const redactObject = (value: object, depth: number): unknown => {
  if (depth > DEPTH) return '[deep]';
  if (value instanceof Error) return redactError(value, depth);
  // Bytes are payload or key material; how many there are is all a log needs.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return redactList(value, depth);
  if (value instanceof Date || value instanceof URL) return redactText(String(value));
  return redactFacts(value, depth);
};

const redactValue = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return redactText(value);
  return typeof value === 'object' && value !== null ? redactObject(value, depth) : value;
};

/** Numbers and booleans under a secret name tell nothing (`key: true`); everything else does. */
const isTelling = (value: unknown): boolean => value !== null && ['string', 'object'].includes(typeof value);

/** Returns a copy of `facts` that may be logged. Errors become `{ type, reason, message, stack, cause }`. */
export const redactFacts = (facts: object, depth = 0): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      isSecretName(name) && isTelling(value) ? REDACTED : redactValue(value, depth + 1),
    ]),
  );
