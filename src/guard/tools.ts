/** Which tools a service knows: what may be offered to its model, what may be called, and what may be given to them. */

import type { Facts, ToolCall } from '../call.ts';
import type { ToolsConfig } from '../config.ts';
import { compileSchema, type SchemaCheck } from '../json-schema.ts';
import { namePattern } from '../name-pattern.ts';

/** Says what of a call does not pass; every text is of the config or of ours, and none is of the payload. */
export interface ToolGuard {
  /** Returns why a request with these facts does not pass; null when it does. */
  request(this: void, facts: Facts): string | null;
  /** Returns why a call does not pass that a model makes, or a caller; null when it does. */
  call(this: void, call: ToolCall): string | null;
  /** Returns why no call of a tool of this name can pass; null when one can. */
  name(this: void, name: string): string | null;
  /** Answers have to be read. */
  readonly readsAnswers: boolean;
  /** Returns true when it takes the arguments to say whether a call of this tool passes. */
  readsArguments(this: void, name: string): boolean;
}

type Allows = (name: string) => boolean;

/** Returns whether one of the patterns fits a name; everything is allowed where there is no list. */
const allowing = (patterns: readonly string[] | undefined): Allows => {
  if (patterns === undefined) return () => true;
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const others = patterns.filter((pattern) => pattern.includes('*')).map(namePattern);
  return (name) => exact.has(name) || others.some((fits) => fits(name));
};

const NOT_OFFERED = 'A tool that it offers is not one that this service offers to its model.';
const NOT_CALLED = 'A tool that it calls, or tells of a call of, is not one that this service lets be called.';
const misfit = (name: string, at: string): string => `What the tool ${name} is given does not fit its schema (${at}).`;

/** Returns the guard of a service. Throws SchemaError for a schema that cannot be used. */
export const compileToolGuard = ({ offer, call, arguments: schemas = {} }: ToolsConfig): ToolGuard => {
  const offers = allowing(offer);
  const calls = allowing(call);
  const checks = new Map<string, SchemaCheck>(
    Object.entries(schemas).map(([name, schema]) => [name, compileSchema(schema)]),
  );

  const nameOf = (name: string): string | null => (calls(name) ? null : NOT_CALLED);
  const callOf = ({ name, arguments: given }: ToolCall): string | null => {
    const wrong = nameOf(name);
    if (wrong !== null) return wrong;
    const at = checks.get(name)?.(given) ?? null;
    return at === null ? null : misfit(name, at);
  };

  return {
    request({ tools, closer }) {
      // a request that is a call of a tool (MCP) offers none
      const offered = closer.toolCalls.some(({ made }) => made === true) ? [] : tools;
      if (offer !== undefined && !offered.every(({ name }) => offers(name))) return NOT_OFFERED;
      for (const each of closer.toolCalls) {
        // of a call that was made before, what was given is as it left this gateway: masked, maybe
        const wrong = each.made === true ? callOf(each) : nameOf(each.name);
        if (wrong !== null) return wrong;
      }
      return null;
    },
    call: callOf,
    name: nameOf,
    readsAnswers: call !== undefined || checks.size > 0,
    readsArguments: (name) => checks.has(name),
  };
};
