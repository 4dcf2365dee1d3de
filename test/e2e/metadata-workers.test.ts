/** What a model takes, after it was loaded anew by way of another data worker. */

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { json } from '../support/model-answers.ts';
import { type Places, startWorld, type World } from '../support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-models-'));
const path = (worker: number): string => join(folder, `${worker}.sock`);

// a Unix socket has one data worker, and the workers take turns
const config = ({ issuer, model }: Places): string => `
listeners: [{ address: "unix:${path(0)}" }, { address: "unix:${path(1)}" }]
control: { address: 127.0.0.1:0 }
workers: 2
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - { name: triton, protocol: kserve, upstream: { url: ${model} }, tensors: { check: metadata, fresh: 1h } }
policies:
  - { name: ml-may, when: '"ml" in caller.groups && call.operation != ""', then: allow }
`;

let world: World;
let token = '';
let width = 4;
beforeAll(async () => {
  world = await startWorld(config);
  token = await world.idp.token('carol');
  world.model.always(({ method }) =>
    json(method === 'GET' ? { name: 'm', inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, width] }] } : {}),
  );
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

const post = (worker: number, target: string, body: object): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const sent = request({ socketPath: path(worker), path: target, method: 'POST', agent: false, headers });
    sent.on('error', reject);
    sent.on('response', (response) => void text(response).then(() => resolve(response.statusCode), reject));
    sent.end(JSON.stringify(body));
  });

const infer = (worker: number): Promise<number | undefined> =>
  post(worker, '/triton/v2/models/m/infer', {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }],
  });

it.each([
  ['load', 0, 1],
  ['unload', 1, 0],
])('is asked for anew by every worker once one has seen a %s', async (operation, here, there) => {
  width = 4;
  expect(await post(here, '/triton/v2/repository/models/m/load', {})).toBe(200);
  expect([await infer(here), await infer(there)]).toEqual([200, 200]);
  width = 8;
  // it stands for an hour
  expect([await infer(here), await infer(there)]).toEqual([200, 200]);
  expect(await post(here, `/triton/v2/repository/models/m/${operation}`, {})).toBe(200);
  expect([await infer(there), await infer(here)]).toEqual([403, 403]);
});
