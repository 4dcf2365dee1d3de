/** Texts that trip a wire and texts that do not, as data. */

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const schema = z.strictObject({
  trips: z.array(z.strictObject({ text: z.string(), kinds: z.array(z.string()).min(1) })).min(30),
  clean: z.array(z.string()).min(15),
});

/** Returns the cases of test/cases/NAME.yaml. */
export const tripCases = (name: string): z.output<typeof schema> =>
  schema.parse(parse(readFileSync(new URL(`../cases/${name}.yaml`, import.meta.url), 'utf8')));
