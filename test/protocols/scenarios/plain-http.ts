/** A caller without a client library, as the documentation of servers has them: `curl`. */

import { collect, type Endpoint } from './scenario.ts';

/** What a server said that refused; its message is what it said. */
class AnswerError extends Error {
  readonly status: number;

  constructor(status: number, body: string) {
    super(body);
    this.status = status;
  }
}

/**
 * Resolves to the answer as text: of a GET, or of a POST of `body`, a document or a text. Rejects with the answer when it is
 * an error.
 */
export const ask = async ({ url, token }: Endpoint, path: string, body?: object | string): Promise<string> => {
  const isText = typeof body === 'string';
  const headers = { authorization: `Bearer ${token}`, 'content-type': isText ? 'text/plain' : 'application/json' };
  const sent = isText ? body : JSON.stringify(body);
  const answer = await fetch(
    `${url}${path}`,
    body === undefined ? { headers } : { method: 'POST', headers, body: sent },
  );
  const said = await answer.text();
  if (!answer.ok) throw new AnswerError(answer.status, said);
  return said;
};

/** Resolves to the document of an answer. */
export const askJson = async (at: Endpoint, path: string, body?: object): Promise<unknown> =>
  JSON.parse(await ask(at, path, body));

/** Resolves to the documents of a stream of events. */
export const askEvents = async (at: Endpoint, path: string, body: object): Promise<unknown[]> => {
  const said = await ask(at, path, body);
  const data = said.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
  return collect(
    data.filter((document) => document !== '[DONE]'),
    (document): unknown => JSON.parse(document),
  );
};
