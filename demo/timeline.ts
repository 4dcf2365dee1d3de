/** Two streams side by side, in the order of time. */

/** A piece of text and when it passed, in milliseconds of `performance.now()`. */
export interface Piece {
  readonly at: number;
  readonly text: string;
}

/** Pieces of both sides that are this close (ms) stand in one row. */
const SAME_MOMENT = 8;

type Side = readonly [heading: string, pieces: readonly Piece[]];

interface Row {
  readonly at: number;
  left: string;
  right: string;
}

const quoted = (text: string): string => (text === '' ? '' : JSON.stringify(text));

function rowsOf(left: readonly Piece[], right: readonly Piece[]): readonly Row[] {
  const rows: Row[] = [];
  const all = [
    ...left.map((piece) => ({ ...piece, side: 'left' as const })),
    ...right.map((piece) => ({ ...piece, side: 'right' as const })),
  ];
  for (const { at, text, side } of all.filter((piece) => piece.text !== '').toSorted((a, b) => a.at - b.at)) {
    const last = rows.at(-1);
    if (last !== undefined && last[side] === '' && at - last.at <= SAME_MOMENT) last[side] = quoted(text);
    else rows.push({ at, left: '', right: '', [side]: quoted(text) });
  }
  return rows;
}

/** Returns a table of three columns: milliseconds since the first piece, what one side did, what the other did. */
export function timeline([leftHeading, left]: Side, [rightHeading, right]: Side): string {
  const rows = rowsOf(left, right);
  const begin = rows[0]?.at ?? 0;
  const width = Math.max(leftHeading.length, ...rows.map((row) => row.left.length));
  const line = (time: string, one: string, other: string): string =>
    `${time.padStart(7)}  ${one.padEnd(width)}  ${other}`.trimEnd();
  return [
    line('', leftHeading, rightHeading),
    ...rows.map((row) => line(`${Math.round(row.at - begin)} ms`, row.left, row.right)),
  ].join('\n');
}
