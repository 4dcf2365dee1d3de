/** Approvals as rows, and as they are shown. */

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { ApprovalRow, VoteRow } from '../store/approvals.ts';
import type { Approval, ApprovalRequest, Person, Revocation } from './approvals.ts';
import type { ApprovalHashes } from './envelope.ts';

/** Keeps bodies unreadable at rest. `context` is the approval's id: what is sealed for one cannot stand in another. */
export interface Box {
  seal(bytes: Uint8Array, context: string): Uint8Array;
  open(sealed: Uint8Array, context: string): Uint8Array;
}

/** 80 random bits: an id is no bearer capability, it only has to be unique and short enough to type. */
const newId = (): string => `ap-${randomBytes(10).toString('hex')}`;

/** Returns how many bytes a request wants kept. */
export const sizeOf = ({ body, forwarded }: ApprovalRequest): number => (body?.length ?? 0) + (forwarded?.length ?? 0);

/** Returns the row of a new approval that begins at `now`, milliseconds since the epoch. */
export function newRow(asked: ApprovalRequest, now: number, box: Box): ApprovalRow {
  const id = newId();
  return {
    id,
    state: 'pending',
    issuer: asked.caller.issuer,
    subject: asked.caller.subject,
    actors: JSON.stringify(asked.actors.map(({ issuer, subject }) => [issuer, subject])),
    digest: asked.digest,
    call: asked.call,
    service: asked.service,
    model: asked.model,
    operation: asked.operation,
    rule: asked.rule,
    message: asked.message,
    approvers: JSON.stringify(asked.by),
    quorum: asked.quorum,
    use_within: asked.useWithin,
    created: now,
    expires: now + asked.within,
    use_by: null,
    asked_by: asked.session,
    used_by: null,
    revoked_by: null,
    revoked_why: null,
    stored: sizeOf(asked),
    body: asked.body === null ? null : box.seal(asked.body, id),
    forwarded: asked.forwarded === null ? null : box.seal(asked.forwarded, id),
  };
}

/** Returns the bytes to forward; null for none, or none any more. Throws when what is stored is not what was sealed. */
export function bytesOf({ id, body, forwarded }: ApprovalRow, box: Box): Uint8Array | null {
  const sealed = forwarded ?? body;
  return sealed === null ? null : box.open(sealed, id);
}

// What these columns hold was written by this folder; it is checked all the same, because a database is a file.
const PAIR = z.tuple([z.string(), z.string()]);
const PAIRS = z.array(PAIR);
const WORDS = z.array(z.string());

const asPerson = ([issuer, subject]: z.output<typeof PAIR>): Person => ({ issuer, subject });

/** Returns the caller and everybody who acts for them. */
export const partiesOf = ({ issuer, subject, actors }: ApprovalRow): readonly Person[] => [
  { issuer, subject },
  ...PAIRS.parse(JSON.parse(actors)).map(asPerson),
];

/** Returns who may approve. */
export const approversOf = ({ approvers }: ApprovalRow): readonly string[] => WORDS.parse(JSON.parse(approvers));

const revocationOf = ({ revoked_by: by, revoked_why: reason }: ApprovalRow): Revocation | null =>
  by === null ? null : { by: asPerson(PAIR.parse(JSON.parse(by))), reason: reason ?? '' };

/** Returns a voter as their token spoke of them when they voted. */
export const votingPerson = ({ issuer, subject, groups }: VoteRow) => ({
  issuer,
  subject,
  groups: WORDS.parse(JSON.parse(groups)),
});

/** Returns the votes as they are shown; the last of them decided an approval that is decided. */
function shownVotes({ state }: ApprovalRow, votes: readonly VoteRow[], now: number): Approval['votes'] {
  const when = state === 'pending' ? now : (votes.at(-1)?.at ?? now);
  return votes.map(({ issuer, subject, decision, reason, at, good_until: until }) => ({
    issuer,
    subject,
    decision,
    reason,
    at,
    counts: until > when,
  }));
}

/** Returns the approval in a row, with its votes as they stand at `now`. Plain digests stay in the database. */
export function shownApproval(
  row: ApprovalRow,
  votes: readonly VoteRow[],
  hashes: ApprovalHashes,
  now: number,
): Approval {
  return {
    id: row.id,
    state: row.state,
    caller: { issuer: row.issuer, subject: row.subject },
    service: row.service,
    model: row.model,
    operation: row.operation,
    rule: row.rule,
    message: row.message,
    approvers: approversOf(row),
    quorum: row.quorum,
    created: row.created,
    expires: row.expires,
    useBy: row.use_by,
    digest: hashes.digest(row.digest),
    askedBy: row.asked_by,
    usedBy: row.used_by,
    revoked: revocationOf(row),
    votes: shownVotes(row, votes, now),
  };
}
