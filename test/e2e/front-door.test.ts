/** What stands at the front door, as data: our own cases, and the lists of MDA2AV/Http11Probe and nodejs/llhttp. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type FrontDoor, openFrontDoor, withToken } from '../support/front-door.ts';
import { fits, probeBytes, type ProbeCase } from '../support/http11probe.ts';
import { llhttpCases } from '../support/llhttp-cases.ts';

interface OwnCase {
  readonly name: string;
  readonly send: readonly string[];
  readonly becomes: string;
  readonly arrives?: readonly string[];
}

interface ProbeOutcome {
  readonly id: string;
  readonly becomes: string;
  /** Bytes of our own for a case that the list describes in words only. */
  readonly send?: readonly string[];
  /** Why it is not what the list expects. */
  readonly because?: string;
}

interface LlhttpOutcome {
  readonly in: string;
  readonly title: string;
  readonly becomes: string;
}

const read = (name: string): string => readFileSync(join(import.meta.dirname, '../cases', name), 'utf8');
const own: readonly OwnCase[] = parse(read('front-door.yaml'));
const probed: readonly ProbeOutcome[] = parse(read('front-door-probe.yaml'));
const parsed: readonly LlhttpOutcome[] = parse(read('front-door-llhttp.yaml'));

let door: FrontDoor;
beforeAll(async () => {
  door = await openFrontDoor();
});
afterAll(() => door.close());

const spell = (lines: readonly string[]): Buffer => {
  const text = lines.join('\r\n').replaceAll('{auth}', door.auth);
  const behind = text.length - text.indexOf('\r\n\r\n') - 4;
  return Buffer.from(text.replaceAll('{rest}', String(behind)), 'latin1');
};

describe('promise 2: one reading of what stands at the front door', () => {
  it.each(own)('$name', async ({ send, becomes, arrives }) => {
    const outcome = await door.try(spell(send));
    expect(outcome.becomes).toBe(becomes);
    if (arrives !== undefined) expect(outcome.arrived).toEqual(arrives);
  });
});

const folder = process.env['SALLYPORT_VECTORS'];
const probeFile = join(folder ?? '', 'http11probe.json');
const llhttpFolder = join(folder ?? '', 'llhttp/request');

if (folder === undefined || !existsSync(probeFile)) {
  it('Http11Probe: not run, set SALLYPORT_VECTORS to a folder that holds http11probe.json', () => {
    expect(probed.length).toBeGreaterThan(200);
  });
} else {
  const list: readonly ProbeCase[] = JSON.parse(readFileSync(probeFile, 'utf8'));
  const known = new Map(list.map((entry) => [entry.id.replace(/`.*$/, ''), entry]));

  describe('Http11Probe', () => {
    it('has an outcome for each of its cases', () => {
      expect(probed.map(({ id }) => id).toSorted()).toEqual([...known.keys()].toSorted());
    });

    it.each(probed.filter(({ becomes }) => becomes !== 'not run'))('$id', async ({ id, becomes, send, because }) => {
      const entry = known.get(id);
      if (entry === undefined) throw new Error(`expected a case ${id} in the list`);
      const bytes = send === undefined ? Buffer.concat(entry.requests.map(probeBytes)) : spell(send);
      const outcome = await door.try(send === undefined ? withToken(bytes, door.auth) : bytes);
      expect(outcome.becomes).toBe(becomes);
      // what the list expects, in its own words, unless a reason stands beside it
      expect({ because, fits: fits(entry.expected, becomes) }).toEqual({ because, fits: because === undefined });
    });

    it.each(probed.filter(({ becomes }) => becomes === 'not run'))(
      'Http11Probe $id: not run, $because',
      ({ because }) => {
        expect(because).toBeDefined();
      },
    );
  });
}

if (folder === undefined || !existsSync(llhttpFolder)) {
  it('llhttp: not run, set SALLYPORT_VECTORS to a folder that holds llhttp/request', () => {
    expect(parsed.length).toBeGreaterThan(150);
  });
} else {
  const list = readdirSync(llhttpFolder).flatMap((file) =>
    llhttpCases(readFileSync(join(llhttpFolder, file), 'utf8')).map((entry) => ({ ...entry, in: file })),
  );

  describe('llhttp', () => {
    it('has an outcome for each of its cases', () => {
      expect(list.length).toBeGreaterThan(150);
      expect(parsed.map((outcome) => `${outcome.in}: ${outcome.title}`)).toEqual(
        list.map((entry) => `${entry.in}: ${entry.title}`),
      );
    });

    it.each(list.map((entry, at) => ({ ...entry, outcome: parsed[at]?.becomes })))(
      '$in: $title',
      async ({ bytes, type, whole, outcome }) => {
        const { becomes, arrived } = await door.try(withToken(bytes, door.auth, 'gw'));
        expect(becomes).toBe(outcome);
        // nothing arrives that the parser itself did not read whole
        if (type === 'request') expect(arrived.length).toBeLessThanOrEqual(whole);
      },
    );
  });
}
