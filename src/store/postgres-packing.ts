/** Rows on their way to PostgreSQL and back: packed, because a list of byte strings would travel as text, and twice as long. */

import type { SharedRow } from './shared-rows.ts';

/** A row, and whose it is. */
export interface Placed {
  readonly row: SharedRow;
  readonly gateway: string;
}

/** Comes before every row. */
export const START: Placed = {
  row: { name: Buffer.alloc(0), part: 0, body: Buffer.alloc(0), until: 0 },
  gateway: '0'.repeat(32),
};

/**
 * Returns, as `SAY` takes them: the part of each row, where its body begins in one buffer, how long that is, and until
 * when it counts; then all names, and all bodies.
 */
export function packRows(
  rows: readonly SharedRow[],
): readonly [number[], number[], number[], number[], Buffer, Buffer] {
  let end = 0;
  const starts = rows.map(({ body }) => (end += body.length) - body.length);
  return [
    rows.map(({ part }) => part),
    starts,
    rows.map(({ body }) => body.length),
    rows.map(({ until }) => Math.ceil(until)),
    Buffer.concat(rows.map(({ name }) => name)),
    Buffer.concat(rows.map(({ body }) => body)),
  ];
}

const NAME = 16;
const PART_AT = NAME;
const GATEWAY_AT = PART_AT + 8;
const UNTIL_AT = GATEWAY_AT + 16;
const LENGTH_AT = UNTIL_AT + 8;
const BODY_AT = LENGTH_AT + 4;

/** Reads the rows that `HEAR` packs. */
export function unpackRows(packed: Buffer): readonly Placed[] {
  const rows: Placed[] = [];
  for (let at = 0; at < packed.length; ) {
    const end = at + BODY_AT + packed.readUInt32BE(at + LENGTH_AT);
    rows.push({
      row: {
        name: packed.subarray(at, at + NAME),
        part: Number(packed.readBigInt64BE(at + PART_AT)),
        body: packed.subarray(at + BODY_AT, end),
        until: Number(packed.readBigInt64BE(at + UNTIL_AT)),
      },
      gateway: packed.toString('hex', at + GATEWAY_AT, at + UNTIL_AT),
    });
    at = end;
  }
  return rows;
}
