/** Refusals for SDKs that show their users one string: it says everything. */

import type { Refusal } from './codec.ts';

/** Returns title and detail of a refusal with the reason, the session and what else it has, in brackets. */
export const toldError = ({ reason, title, detail, session, extra }: Refusal): string => {
  const facts = [reason, ...(session === '' ? [] : [`session ${session}`])];
  for (const [name, value] of Object.entries(extra)) facts.push(`${name} ${value}`);
  return `${title}${detail === '' ? '' : ` ${detail}`} [${facts.join('; ')}]`;
};
