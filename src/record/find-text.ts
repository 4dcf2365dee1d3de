/** Looks for a text in recorded calls: the whole of it, or how much of it. */

import type { Codec } from '../protocol/codec.ts';
import { bodyOf, type SessionContent } from './read-session.ts';
import { answerText, stringsOf } from './session-texts.ts';

/** A text to look for. */
export interface Needle {
  /** Without line ends and runs of spaces: a text that was pasted has others. */
  readonly text: string;
  /** Its pieces, in order. */
  readonly pieces: readonly string[];
}

/** Where something was found, and how much of it. */
export interface Match {
  readonly where: 'request' | 'answer';
  /** How many of the pieces; all of them for the whole. */
  readonly pieces: number;
  readonly of: number;
}

/** A shorter piece is found by chance. */
const PIECE = 60;

const flat = (text: string): string => text.replaceAll(/\s+/gu, ' ').trim();

/** Returns what to look for; throws when it is too short to tell anything. */
export function needleOf(bytes: Buffer): Needle {
  const text = flat(bytes.toString('utf8'));
  if (text.length < 8) throw new Error('expected at least 8 characters to look for');
  const count = Math.max(1, Math.floor(text.length / PIECE));
  const pieces = Array.from({ length: count }, (_, n) =>
    text.slice(n * PIECE, n === count - 1 ? undefined : (n + 1) * PIECE),
  );
  return { text, pieces };
}

function matchIn(where: Match['where'], texts: readonly string[], { text, pieces }: Needle): readonly Match[] {
  const flats = texts.map(flat);
  if (flats.some((each) => each.includes(text))) return [{ where, pieces: pieces.length, of: pieces.length }];
  const found = pieces.filter((piece) => flats.some((each) => each.includes(piece))).length;
  return found === 0 ? [] : [{ where, pieces: found, of: pieces.length }];
}

/** Returns where a call holds the text: as its bytes stand on the wire, and as they read. */
export function findIn(session: SessionContent, needle: Needle, codec: Codec): readonly Match[] {
  const request = [bodyOf(session, 'q').toString('utf8'), bodyOf(session, 'f').toString('utf8')];
  const answer = [bodyOf(session, 'd').toString('utf8'), answerText(session, codec)];
  return [
    ...matchIn('request', [...request, ...request.map(stringsOf)], needle),
    ...matchIn('answer', [...answer, ...answer.map(stringsOf)], needle),
  ];
}
