import assert from 'node:assert/strict';
import { SECRETS } from '../model.ts';
import { tellAnswer, tellCommand, tellPiece } from '../tell.ts';
import type { Step } from './step.ts';

/** Calls are listed, and one is replayed with its timing. */
export const replay: Step = {
  title: 'Every call is a session: listed, and replayed as it went, piece by piece',
  why: 'The record holds what the caller saw, encrypted; refused calls are in it too, with their reason.',
  async run({ sallyport, left }) {
    tellCommand('sallyport sessions list');
    const list = await sallyport(['sessions', 'list']);
    tellAnswer(aligned(list.stdout));
    const sessions = list.stdout.trim().split('\n');
    assert.ok(sessions.some((line) => line.includes(left.streamedSession) && line.includes('completed')));
    assert.ok(sessions.some((line) => line.includes(left.approvedSession) && line.includes('completed')));
    assert.ok(sessions.some((line) => line.includes('policy-denied')));

    tellCommand(`sallyport sessions replay ${left.streamedSession}`);
    const began = performance.now();
    const replayed = await sallyport(['sessions', 'replay', left.streamedSession], undefined, tellPiece);
    const seconds = (performance.now() - began) / 1000;
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.match(replayed.stdout, /Write to <EMAIL>, charge her card <CREDIT_CARD>, and push with the token <SECRET>/);
    assert.ok(
      SECRETS.every((secret) => !replayed.stdout.includes(secret)),
      'the record holds what was masked',
    );
    assert.ok(seconds > SPOKEN_SECONDS, `the replay took ${seconds.toFixed(1)} s`);
    return `listed with their reasons; replayed at the speed of the call, without what was masked`;
  },
};

/** The model speaks for about this long, so a replay at its speed does not take less. */
const SPOKEN_SECONDS = 0.6;

/** Returns lines of cells between tabs as columns. */
function aligned(lines: string): string {
  const rows = lines
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(width(i)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
