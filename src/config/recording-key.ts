/** The key that recordings are encrypted under, as text: one line, with comments around it as in an age key file. */

import { randomBytes } from 'node:crypto';

const BYTES = 32;
const PREFIX = 'sallyport-recording-key-v1:';

/** Thrown when a text holds no recording key; the message never repeats the text. */
class RecordingKeyError extends Error {
  constructor(found: string) {
    super(`expected one line "${PREFIX}" and 32 bytes in base64, found ${found}`);
    this.name = 'RecordingKeyError';
  }
}

/** Returns the text of a new key. `made` is a date that its comment carries. */
export const createRecordingKey = (made: string): string =>
  [
    `# Sallyport recording key, made ${made}.`,
    '# Recordings are encrypted under it: without it nobody can read them, with it anybody who has the files can.',
    '# Keep a copy where the gateway is not. Never change it in place.',
    `${PREFIX}${randomBytes(BYTES).toString('base64')}`,
    '',
  ].join('\n');

/**
 * Returns the 32 bytes of the key in `text`. Lines that begin with `#` and empty lines are skipped.
 * @throws RecordingKeyError
 */
export const parseRecordingKey = (text: string): Uint8Array => {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [line = ''] = lines;
  if (lines.length !== 1) throw new RecordingKeyError(`${lines.length} lines`);
  if (!line.startsWith(PREFIX)) throw new RecordingKeyError('another beginning');
  const encoded = line.slice(PREFIX.length);
  const key = Buffer.from(encoded, 'base64');
  // Strict: what does not encode back to itself is not base64 of ours (RFC 4648 §3.5).
  if (key.toString('base64') !== encoded) throw new RecordingKeyError('something that is not base64');
  if (key.length !== BYTES) throw new RecordingKeyError(`${key.length} bytes`);
  return key;
};
