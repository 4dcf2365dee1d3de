/** Sallyport as a user starts it, with everything on: identity, facts, rules, all detectors, encryption, strict durability. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENTITIES } from '../../src/detect/scanner.ts';
import { startChild } from './child.ts';
import { CHAT, type Contender, type Surroundings } from './contenders.ts';
import { freePort } from './free-port.ts';
import type { CpuTime } from './usage.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const READY_WITHIN_MS = 20_000;

/** Twenty rules, as a team might write them: an allow near the end, denials and approvals that look at the payload. */
const POLICIES = [
  ['no-shell-tools', 'call.tools.exists(t, t.name == "shell")', 'deny'],
  ['no-code-tools', 'call.tools.exists(t, t.type == "code_interpreter")', 'deny'],
  ['no-images', 'call.images > 0 && !("vision" in caller.groups)', 'deny'],
  ['no-audio', 'call.audios > 0', 'deny'],
  ['no-files', 'call.files > 4', 'deny'],
  ['no-token-ids', 'call.token_ids > 0', 'deny'],
  ['few-choices', 'call.n > 4', 'deny'],
  ['cool', 'call.temperature > 1.8', 'deny'],
  ['long-input', 'call.input_tokens > 200000', 'deny'],
  ['old-models', 'call.model.startsWith("text-davinci")', 'deny'],
  ['no-frontier', 'call.model.startsWith("o1") && !("research" in caller.groups)', 'deny'],
  ['guests', '"guests" in caller.groups', 'deny'],
  ['agents-short', 'caller.kind == "agent" && call.max_tokens > 4096', 'deny'],
  ['no-embeddings', 'call.operation == "embeddings" && call.service == "llm"', 'deny'],
  ['no-secrets', 'call.findings.exists(kind, kind.startsWith("secret"))', 'deny'],
  ['named-project', 'call.texts.exists(t, t.role == "user" && t.text.contains("Project Nightfall"))', 'deny'],
  ['contractors', '"contractors" in caller.groups && call.stream', 'deny'],
  ['big-jobs', 'call.max_tokens > 8000 || call.input_tokens > 50000', 'hold'],
  ['ml-may-chat', 'call.service == "llm" && "ml" in caller.groups', 'allow'],
  ['staff-may-list', 'call.operation == "models.list" && "staff" in caller.groups', 'allow'],
] as const;

const EFFECTS = { allow: 'allow', deny: 'deny', hold: '{ approve: { by: ["group:ml-leads"] } }' } as const;

const config = ({ issuer, upstream }: Surroundings, port: number, control: number): string => `
listeners: [{ address: 127.0.0.1:${port} }]
control: { address: 127.0.0.1:${control} }
workers: 1
identity: { issuers: [{ issuer: ${issuer.url}, audience: ${issuer.audience} }] }
services: [{ name: llm, protocol: openai, upstream: { url: http://127.0.0.1:${upstream} } }]
policies:
${POLICIES.map(([name, when, effect]) => `  - { name: ${name}, when: '${when}', then: ${EFFECTS[effect]} }`).join('\n')}
masking: [{ name: everything, entities: [${ENTITIES.map(({ name }) => name).join(', ')}], with: replace }]
log: { level: warn }
`;

/** What the operating system calls the threads of a gateway → what they are; the first that fits. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/^libuv/, 'pool'],
  [/worker/, 'data'],
  [/recorder/, 'recorder'],
  [/MainThread/, 'main'],
  [/./, 'v8'],
];

/** Returns CPU time by part: `data` the data worker, `recorder`, `pool` (file syncs), `main`, `v8` (compiler and collector). */
function byPart(times: CpuTime): Record<string, number> {
  const parts = Object.fromEntries(PARTS.map(([, part]) => [part, 0]));
  for (const [thread, time] of times) {
    const part = PARTS.find(([pattern]) => pattern.test(thread))?.[1] ?? 'v8';
    parts[part] = (parts[part] ?? 0) + time;
  }
  return parts;
}

/** A running gateway, and what can be asked of it. */
export interface Gateway extends Contender {
  /** Returns how many syncs of journals the gateway has counted. */
  syncs(): Promise<number>;
  /** Stops it, then verifies what it kept; returns the number of sessions that the verified ledger holds. */
  verify(): Promise<number>;
}

/** What is read of the output of `sallyport ledger verify --json`. */
interface VerifyReport {
  readonly journals: { readonly sessions: number; readonly open: number; readonly unsealed: number };
}

/** Starts a gateway in `around.folder`. Throws when it is not ready in time. */
export async function startSallyport(around: Surroundings): Promise<Gateway> {
  const [port, control] = [await freePort(), await freePort()];
  const file = join(around.folder, 'sallyport.yaml');
  writeFileSync(file, config(around, port, control));
  cli(around.folder, 'init');
  const child = startChild([process.execPath, MAIN, 'start', '--config', file], {
    core: 'contender',
    cwd: around.folder,
    silent: true,
  });
  await ready(control);
  return {
    name: 'sallyport',
    title: 'Sallyport, everything on',
    pid: child.pid,
    call: { port, path: `/llm${CHAT}`, fields: '', expect: 'masked' },
    parts: byPart,
    stop: () => child.stop(),
    syncs: () => metric(control, 'sallyport_journal_syncs_total'),
    async verify() {
      await child.stop();
      const report: VerifyReport = JSON.parse(
        cli(around.folder, 'ledger', 'verify', 'data', '--key', 'keys/ledger.pub', '--json'),
      );
      const { sessions, open, unsealed } = report.journals;
      return sessions - open - unsealed;
    },
  };
}

const cli = (cwd: string, ...args: readonly string[]): string =>
  execFileSync(process.execPath, [MAIN, ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

async function ready(control: number): Promise<void> {
  for (const until = Date.now() + READY_WITHIN_MS; Date.now() < until; await sleep(50)) {
    const ok = await fetch(`http://127.0.0.1:${control}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
  }
  throw new Error(`sallyport was not ready within ${READY_WITHIN_MS / 1000} s`);
}

async function metric(control: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${control}/metrics`)).text();
  const values = text.split('\n').filter((line) => line.startsWith(name));
  return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
