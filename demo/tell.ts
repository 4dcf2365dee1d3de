/** How the demo speaks: plain lines in a pipe, colour on a terminal. */

import process from 'node:process';
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });
const print = (line = ''): void => void process.stdout.write(`${line}\n`);
const INDENT = '   ';

/** Begins a step. */
export const tellStep = (number: number, title: string): void => {
  print();
  print(`${styled(['bold', 'cyan'], String(number))}  ${styled('bold', title)}`);
};

/** Shows a command as it could be typed; further lines continue it. */
export const tellCommand = (...lines: readonly string[]): void => {
  lines.forEach((line, i) => print(`${INDENT}${styled('yellow', i === 0 ? `$ ${line}` : `  ${line}`)}`));
};

/** Shows what came back, line by line, at most `most` lines. */
export const tellAnswer = (text: string, most = 24): void => {
  const lines = text.trimEnd().split('\n');
  for (const line of lines.slice(0, most)) print(`${INDENT}${styled('dim', '│')} ${line}`);
  if (lines.length > most) print(`${INDENT}${styled('dim', `│ … ${lines.length - most} more lines`)}`);
};

let atLineStart = true;

/** Shows a piece of an answer that comes bit by bit, as it comes. */
export const tellPiece = (text: string): void => {
  for (const part of text.split(/(?<=\n)/)) {
    process.stdout.write(`${atLineStart ? `${INDENT}${styled('dim', '│')} ` : ''}${part}`);
    atLineStart = part.endsWith('\n');
  }
};

/** Says something in between. */
export const tell = (text: string): void => print(`${INDENT}${text}`);

/** Says why a step matters. */
export const tellWhy = (text: string): void => print(`${INDENT}${styled('italic', text)}`);

/** Says what was checked and held. */
export const tellHeld = (text: string): void => print(`${INDENT}${styled('green', '✓')} ${text}`);

/** Says what went wrong; on stderr. */
export const tellFailed = (text: string): void =>
  void process.stderr.write(`${INDENT}${styleText('red', '✗', { stream: process.stderr })} ${text}\n`);

/** Shows a heading with lines of name and value under it. */
export const tellTable = (heading: string, rows: readonly (readonly [string, string])[]): void => {
  const width = Math.max(...rows.map(([name]) => name.length));
  print(styled('bold', heading));
  for (const [name, value] of rows) print(`${INDENT}${styled('dim', name.padEnd(width))}  ${value}`);
};

/** Shows lines as they are, under a heading. */
export const tellLines = (heading: string, lines: readonly string[]): void => {
  print();
  print(styled('bold', heading));
  for (const line of lines) print(line === '' ? '' : `${INDENT}${line}`);
};
