/** The API that the CLI and the console use. Everybody is identified by the same tokens as callers are. */

import { Hono, type Context } from 'hono';
import type { z } from 'zod';
import { approvalStateSchema, ballotSchema, revocationSchema } from '../approve/api.ts';
import type { Approval, Approvals, Voter, VoteOutcome, VoteRefusal } from '../approve/approvals.ts';
import { isNamed } from '../approve/voter.ts';
import type { Caller } from '../call.ts';
import type { Identified } from '../identify/identify.ts';
import { parseJson } from '../protocol/json/json.ts';
import { REASONS } from '../reasons.ts';
import { APPROVAL_STATES } from '../store/approvals.ts';

/** What the API is made of. */
export interface ApiParts {
  readonly approvals: Approvals;
  readonly identify: (head: {
    readonly rawHeaders: readonly string[];
    readonly query: string;
  }) => Identified | Promise<Identified>;
}

interface Env {
  Variables: { caller: Caller };
}

const MAX_BODY = 64 * 1024;

const VOTE_REFUSALS: Readonly<Record<VoteRefusal, { readonly status: 403 | 404 | 409 | 413; readonly title: string }>> =
  {
    unknown: { status: 404, title: 'There is no such approval.' },
    over: { status: 409, title: 'The approval is no longer open.' },
    'not-human': { status: 403, title: 'Only people approve.' },
    'not-eligible': { status: 403, title: 'The rule that holds this call does not name you as an approver.' },
    requester: { status: 403, title: 'Nobody approves what they ask for themselves.' },
    digest: { status: 409, title: 'The digest is not that of the request; look at it again.' },
    voted: { status: 409, title: 'You have voted on this approval already.' },
    'reason-too-long': { status: 413, title: 'The reason is longer than 4 KiB.' },
  };

/** Returns the routes of the API. */
export function apiRoutes({ approvals, identify }: ApiParts): Hono<Env> {
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    const identified = await identify({
      rawHeaders: rawHeaders(c.req.raw.headers),
      query: new URL(c.req.url).search.slice(1),
    });
    if (identified.kind === 'refused') {
      const { status, title } = REASONS[identified.reason];
      if (identified.challenge !== '') c.header('WWW-Authenticate', identified.challenge);
      return problem(c, status, title, identified.reason);
    }
    c.set('caller', identified.caller);
    return next();
  });

  app.get('/whoami', (c) => {
    const { issuer, subject, kind, groups, expiresAt } = c.get('caller');
    return c.json({ issuer, subject, kind, groups, expiresAt });
  });

  app.get('/approvals', async (c) => {
    const state = approvalStateSchema.nullable().safeParse(c.req.query('state') ?? null);
    if (!state.success) return problem(c, 400, `Expected a state out of ${APPROVAL_STATES.join(', ')}.`);
    const all = await approvals.list({ state: state.data });
    return c.json({ approvals: all.filter((approval) => mayRead(approval, c.get('caller'))) });
  });

  app.get('/approvals/:id', async (c) => {
    const approval = await approvals.get(c.req.param('id'));
    if (approval === null || !mayRead(approval, c.get('caller'))) return problem(c, 404, VOTE_REFUSALS.unknown.title);
    const body = await approvals.body(approval.id);
    return c.json({ ...approval, body: body === null ? null : Buffer.from(body).toString('base64') });
  });

  app.post('/approvals/:id/votes', async (c) => {
    const ballot = await bodyOf(c, ballotSchema);
    if (ballot === null)
      return problem(c, 400, 'Expected {"decision": "approve" | "deny", "digest": HEX, "reason": TEXT}.');
    return outcomeOf(c, await approvals.vote({ id: c.req.param('id'), voter: voterOf(c), ...ballot }));
  });

  app.post('/approvals/:id/revocations', async (c) => {
    const revocation = await bodyOf(c, revocationSchema);
    if (revocation === null) return problem(c, 400, 'Expected {"reason": TEXT}.');
    return outcomeOf(c, await approvals.revoke({ id: c.req.param('id'), voter: voterOf(c), ...revocation }));
  });

  app.onError((_error, c) => problem(c, 500, 'The gateway failed.'));
  return app;
}

/** Resolves to the body of a request, or null when it is too large or not what the schema says. */
async function bodyOf<S extends z.ZodType>(c: Context<Env>, schema: S): Promise<z.output<S> | null> {
  if (Number(c.req.header('content-length') ?? MAX_BODY + 1) > MAX_BODY) return null;
  const parsed = schema.safeParse(strictly(await c.req.text()));
  return parsed.success ? parsed.data : null;
}

/** Returns the value of a JSON text, null for one that has not exactly one reading. */
function strictly(text: string): unknown {
  try {
    return parseJson(text, 'bad-request');
  } catch {
    return null;
  }
}

function voterOf(c: Context<Env>): Voter {
  const { issuer, subject, kind, groups, expiresAt } = c.get('caller');
  return { issuer, subject, kind, groups, expiresAt };
}

function outcomeOf(c: Context<Env>, outcome: VoteOutcome): Response {
  if (outcome.kind === 'counted') return c.json(outcome.approval);
  const { status, title } = VOTE_REFUSALS[outcome.why];
  return problem(c, status, title);
}

/** The one who asks, those who may approve, and those who have voted. */
function mayRead({ caller, approvers, votes }: Approval, reader: Caller): boolean {
  const isReader = ({ issuer, subject }: { issuer: string; subject: string }): boolean =>
    issuer === reader.issuer && subject === reader.subject;
  return isReader(caller) || votes.some(isReader) || approvers.some((entry) => isNamed(reader, entry));
}

const rawHeaders = (headers: Headers): string[] => [...headers].flat();

function problem(c: Context, status: number, title: string, reason?: string): Response {
  return c.body(JSON.stringify({ title, status, ...(reason === undefined ? {} : { reason }) }), {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every status here is one that carries a body
    status: status as 400,
    headers: { 'content-type': 'application/problem+json' },
  });
}
