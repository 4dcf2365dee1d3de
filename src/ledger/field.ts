/** What the members of a leaf may hold. */

/** A kind of value: how to tell it, and how to name it. */
export interface Field<T> {
  readonly is: (value: unknown) => value is T;
  readonly says: string;
  /** True when the member may be absent. */
  readonly optional: boolean;
}

/** A field that may be absent. */
export type OptionalField<T> = Field<T> & { readonly optional: true };
/** A field that is always there. */
export type RequiredField<T> = Field<T> & { readonly optional: false };

const MAX_TEXT = 256;
const MAX_HASHES = 64;
const MAX_NUMBERS = 64;
const MAX_SESSIONS = 1024;

const textLike = (pattern: RegExp, says: string): RequiredField<string> => ({
  is: (value): value is string => typeof value === 'string' && pattern.test(value),
  says,
  optional: false,
});

const listOf = <T>(item: Field<T>, most: number, says: string): RequiredField<readonly T[]> => ({
  is: (value): value is readonly T[] => Array.isArray(value) && value.length <= most && value.every(item.is),
  says,
  optional: false,
});

/** Makes a field one that may be absent. */
export const optional = <T>(field: Field<T>): OptionalField<T> => ({ ...field, optional: true });

/** A field that holds one of a few words. */
export const oneOf = <const W extends string>(...words: readonly W[]): RequiredField<W> => ({
  is: (value): value is W => words.some((word) => word === value),
  says: `one of ${words.join(', ')}`,
  optional: false,
});

/** SHA-256 in lower-case hex. */
export const hash = textLike(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex');
/** A session id: 26 characters of Crockford's base32 (src/record/session-id.ts). */
export const sessionId = textLike(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/, 'a session id');
/** One run of a gateway: 16 characters of the same alphabet. */
export const instance = textLike(/^[0-9a-hjkmnp-tv-z]{16}$/, 'an instance');
/** A word: a reason, a state. */
export const word = textLike(/^[a-z][a-z0-9_.-]{0,63}$/, 'a word in lower case');

/** Text of at most 256 UTF-16 units. */
export const text: RequiredField<string> = {
  is: (value): value is string => typeof value === 'string' && value.length <= MAX_TEXT,
  says: `text of at most ${MAX_TEXT} characters`,
  optional: false,
};

/** Bytes in base64, at most 16 KiB of them. */
export const blob = textLike(/^[A-Za-z0-9+/]{4,21848}={0,2}$/, 'base64 of at most 16 KiB');

/** A whole number from 0 that JSON carries exactly: a count, a size in bytes, a time in milliseconds since the epoch. */
export const count: RequiredField<number> = {
  is: (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0,
  says: 'a whole number, not negative',
  optional: false,
};

/** Up to 1024 session ids. */
export const sessionIds = listOf(sessionId, MAX_SESSIONS, `at most ${MAX_SESSIONS} session ids`);
/** Up to 64 hashes. */
export const hashes = listOf(hash, MAX_HASHES, `at most ${MAX_HASHES} hashes`);
/** Up to 64 counts. */
export const counts = listOf(count, MAX_NUMBERS, `at most ${MAX_NUMBERS} whole numbers`);
