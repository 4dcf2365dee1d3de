/** Talks to the control API of a running gateway. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option } from 'commander';
import type { z } from 'zod';
import { problemSchema } from '../approve/api.ts';
import { parseJson } from '../protocol/json/json.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';

/** How a command reaches a gateway, as its options say. */
export interface ControlOptions {
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

const DEFAULT_URL = 'http://127.0.0.1:8081';

/** Returns the options of every command that talks to a gateway. */
export const controlOptions = (): readonly Option[] => [
  new Option('--url <url>', `the control port of the gateway (default: SALLYPORT_URL, or ${DEFAULT_URL})`),
  new Option('--token-file <file>', 'the file with your token (default: the token in SALLYPORT_TOKEN)'),
  new Option('--token <token>', 'your token; others on this machine can see it here').conflicts('tokenFile'),
];

/** One gateway's control API. */
export interface ControlClient {
  /** Resolves to what is answered to GET. @throws CliError */
  get<S extends z.ZodType>(path: string, answer: S): Promise<z.output<S>>;
  /** Resolves to what is answered to POST. @throws CliError */
  post<S extends z.ZodType>(path: string, body: unknown, answer: S): Promise<z.output<S>>;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const TIMEOUT = 30_000;

/** Returns the URL that a token may be sent to. @throws CliError */
export const tokenUrl = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw new CliError(EXIT.usage, `expected a URL, found ${text}`);
  // A token is as good as its owner; it does not cross a network in the clear.
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw new CliError(EXIT.usage, `a token is not sent over http to ${url.hostname}`, {
      hint: 'use https, or a tunnel to the control port',
    });
  }
  return url;
};

const readToken = (io: Io, file: string): string => {
  try {
    return readFileSync(resolve(io.cwd, file), 'utf8').trim();
  } catch (error) {
    throw new CliError(EXIT.usage, `${file} cannot be read`, { cause: error });
  }
};

/** Returns the token that the options name. @throws CliError */
export const tokenOf = (io: Io, { token, tokenFile }: ControlOptions): string => {
  const found = token ?? (tokenFile === undefined ? io.env['SALLYPORT_TOKEN'] : readToken(io, tokenFile));
  if (found === undefined || found === '') {
    throw new CliError(EXIT.usage, 'no token', { hint: 'set SALLYPORT_TOKEN, or name a file with --token-file' });
  }
  // RFC 6750 §2.1, and nothing that could end a header field
  if (!/^[\w.~+/=-]+$/.test(found)) throw new CliError(EXIT.usage, 'the token is not one: it holds other characters');
  return found;
};

/** Returns the value of an answer, null for one that is not strict JSON. */
const strictly = (text: string): unknown => {
  try {
    return parseJson(text, 'internal');
  } catch {
    return null;
  }
};

const refusal = async (answer: Response): Promise<CliError> => {
  const problem = problemSchema.safeParse(strictly(await answer.text()));
  const why = problem.success ? problem.data.title : `the gateway answered ${answer.status}`;
  const hint = answer.status === 401 ? 'get a new token from your identity provider' : '';
  return new CliError(EXIT.refused, why, { hint });
};

/** Returns a client for the gateway that the options name. @throws CliError with `EXIT.usage` */
export const createControlClient = (io: Io, options: ControlOptions): ControlClient => {
  const base = tokenUrl(options.url ?? io.env['SALLYPORT_URL'] ?? DEFAULT_URL);
  const token = tokenOf(io, options);

  const ask = async <S extends z.ZodType>(path: string, body: string | null, schema: S): Promise<z.output<S>> => {
    const url = new URL(`api/v1${path}`, base.href.endsWith('/') ? base : `${base.href}/`);
    const answer = await fetch(url, {
      method: body === null ? 'GET' : 'POST',
      body,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT),
    }).catch((error: unknown) => {
      throw new CliError(EXIT.unreachable, `${base.href} cannot be reached`, {
        hint: '--url names the control port of the gateway',
        cause: error,
      });
    });
    if (!answer.ok) throw await refusal(answer);
    const parsed = schema.safeParse(strictly(await answer.text()));
    if (parsed.success) return parsed.data;
    throw new CliError(EXIT.refused, `${url.href} did not answer as a gateway of this version does`);
  };

  return {
    get: (path, schema) => ask(path, null, schema),
    post: (path, body, schema) => ask(path, JSON.stringify(body), schema),
  };
};
