/** What a step of the walk is. */

import { AssertionError } from 'node:assert/strict';
import { APIError } from 'openai';
import type { World } from '../world.ts';

/** One step. `run` shows what is done and what came back, and throws when that is not what was told. */
export interface Step {
  readonly title: string;
  /** Why anybody should care; one or two lines. */
  readonly why: string;
  /** Resolves to what was checked and held. */
  run(world: World): Promise<string>;
}

/** Returns the refusal that a call of the `openai` client ends with. Throws when the call is answered or fails otherwise. */
export async function refusalOf(call: Promise<unknown>): Promise<APIError> {
  const outcome: unknown = await call.catch((error: unknown) => error);
  if (outcome instanceof APIError) return outcome;
  if (outcome instanceof Error) throw outcome;
  throw new AssertionError({ message: 'expected a refusal, and the call was answered' });
}

/** Returns a JSON text in lines that people read, its values as they came. */
export const pretty = (value: unknown): string => JSON.stringify(value, null, 2);

/** The question that most steps ask. */
export const QUESTION = [{ role: 'user' as const, content: 'What is a gateway for?' }];

/** The model that most steps ask for. */
export const MODEL = 'gpt-4o-mini';
