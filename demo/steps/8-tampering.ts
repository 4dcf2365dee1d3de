import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readId } from '../../src/record/session-id.ts';
import { tell, tellAnswer, tellCommand } from '../tell.ts';
import type { Step } from './step.ts';

const COPY = 'tampered';

/** One byte is changed in a copy of the record, and verification names it. */
export const tampering: Step = {
  title: 'One byte of the record is changed in a copy, and verification names what was changed',
  why: 'No edit of the files goes unseen, not even one by somebody who holds the key of the recordings.',
  async run({ folder, sallyport, left }) {
    tellCommand(`cp -r data ${COPY}`);
    cpSync(join(folder, 'data'), join(folder, COPY), { recursive: true });
    const place = findAnswer(join(folder, COPY, 'journal'), left.streamedSession);
    tellCommand(
      `printf '\\x${hex(place.byte ^ 1)}' | dd conv=notrunc bs=1 seek=${place.offset} of=${COPY}/journal/${place.file}`,
    );
    tell(`It was ${hex(place.byte)}: one bit of the recorded answer of step 3.`);
    writeByte(join(folder, COPY, 'journal', place.file), place.offset, place.byte ^ 1);

    tellCommand(`sallyport ledger verify ${COPY} --key keys/ledger.pub`);
    const found = await sallyport(['ledger', 'verify', COPY, '--key', 'keys/ledger.pub']);
    tellAnswer(found.stdout);
    assert.equal(found.code, 1, 'the change was not found');
    const problems = found.stdout.split('\n').filter((line) => line.startsWith('problem: '));
    assert.ok(
      problems.some((line) => line.includes(left.streamedSession) && line.includes(place.file)),
      'the change was found, but not named',
    );
    return `found, and named: session ${left.streamedSession}, in ${place.file}`;
  },
};

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

interface Place {
  readonly file: string;
  readonly offset: number;
  readonly byte: number;
}

/** Returns a place within the last frame of a session, which holds its answer, encrypted. */
function findAnswer(journals: string, session: string): Place {
  const id = readId(session);
  if (id === null) throw new Error(`${session} is not the id of a session`);
  for (const file of readdirSync(journals)) {
    const bytes = readFileSync(join(journals, file));
    const frame = bytes.lastIndexOf(id);
    // Beyond the id and the number of the frame everything is ciphertext.
    const offset = frame + 100;
    const byte = bytes[offset];
    if (frame !== -1 && byte !== undefined) return { file, offset, byte };
  }
  throw new Error(`session ${session} is in no journal`);
}

function writeByte(path: string, offset: number, byte: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = byte;
  writeFileSync(path, bytes);
}
