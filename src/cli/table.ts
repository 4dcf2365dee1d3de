/** Lines and tables as a terminal or a pipe gets them. Every text is made safe here, and only styles of ours are added. */

import { safeText } from '../safe-text.ts';

const SGR = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** How a piece of text looks on a terminal. */
export type Style = keyof typeof SGR;

/** A piece of a line: text, or text with a look. Text from outside needs no care: it is made safe when it is shown. */
export type Piece = string | { readonly text: string; readonly style: Style };

/** One line: a piece, or several without anything between them. */
export type Line = Piece | readonly Piece[];

/** Returns `text` with a look. */
export const styled = (style: Style, text: string): Piece => ({ text, style });

const plain = (piece: Piece): string => safeText(typeof piece === 'string' ? piece : piece.text);

const show = (piece: Piece, colour: boolean): string =>
  colour && typeof piece !== 'string' ? `\u001B[${SGR[piece.style]}m${plain(piece)}\u001B[0m` : plain(piece);

/** Returns `line` as one line of text without its end. */
export const showLine = (line: Line, colour: boolean): string =>
  (Array.isArray as (value: Line) => value is readonly Piece[])(line)
    ? line.map((piece) => show(piece, colour)).join('')
    : show(line, colour);

/** One column of a table: its title for people, its key in `--json`. */
export interface Column {
  readonly key: string;
  readonly title: string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
}

/** One row: what people see by column key. A missing cell is empty. */
export type Row = Readonly<Record<string, Piece>>;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

// Graphemes, not terminal cells: wide East Asian characters shift a column, which is only a matter of looks.
const width = (piece: Piece): number => Array.from(graphemes.segment(plain(piece))).length;

const pad = (piece: Piece, to: number, right: boolean, colour: boolean): string => {
  const space = ' '.repeat(Math.max(0, to - width(piece)));
  return right ? space + show(piece, colour) : show(piece, colour) + space;
};

/** Returns the rows for a terminal: aligned, under a line of titles. */
export const showTable = (columns: readonly Column[], rows: readonly Row[], colour: boolean): readonly string[] => {
  const titles: Row = Object.fromEntries(columns.map(({ key, title }) => [key, styled('dim', title)]));
  const all = [titles, ...rows];
  const widths = columns.map(({ key }) => all.reduce((most, row) => Math.max(most, width(row[key] ?? '')), 0));
  return all.map((row) =>
    columns
      .map(({ key, right }, at) => pad(row[key] ?? '', widths[at] ?? 0, right ?? false, colour))
      .join('  ')
      .trimEnd(),
  );
};

/** Returns the rows for a pipe: one line each, cells between tabs, no titles. */
export const showPlain = (columns: readonly Column[], rows: readonly Row[]): readonly string[] =>
  rows.map((row) => columns.map(({ key }) => plain(row[key] ?? '')).join('\t'));
