import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';

const CONFIG = `
identity: { issuers: [{ issuer: https://idp.example.com, audience: sallyport }] }
services: [{ name: llm, protocol: openai, upstream: { url: http://127.0.0.1:1 } }]
policies:
  - { name: ml, when: '"ml" in caller.groups', then: allow }
  - { name: no-shell, when: 'call.tools.exists(t, t.name == "shell")', then: deny, message: No shell. }
  - { name: cleared, when: 'caller.claims.clearance > 2', then: allow }
masking:
  - { name: pii, entities: [email] }
`;

const CASES = `
cases:
  - name: ml may chat
    caller: { groups: [ml] }
    call: { service: llm }
    expect: { effect: allow, rule: ml, mask: { answer: [pii] } }
  - name: nobody has a shell
    caller: { groups: [ml] }
    call: { service: llm, tools: [shell] }
    expect: { effect: deny, rule: no-shell }
`;

const folder = (files: Readonly<Record<string, string>>): string => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-policy-'));
  for (const [name, text] of Object.entries({ 'sallyport.yaml': CONFIG, ...files }))
    writeFileSync(join(dir, name), text);
  return dir;
};

const policy = (dir: string, ...argv: string[]) => sallyport(['policy', ...argv], { cwd: dir });

describe('sallyport policy test', () => {
  it('ends with 0 when every case passes', async () => {
    const { code, stdout, stderr } = await policy(folder({ 'cases.yaml': CASES }), 'test', 'cases.yaml');
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'pass ml may chat\npass nobody has a shell\n',
      stderr: '2 passed\n',
    });
  });

  it('ends with 1 and shows what differs when a case fails', async () => {
    const wrong = CASES.replace('effect: deny, rule: no-shell', 'effect: allow, rule: ml, reason: completed');
    const { code, stdout, stderr } = await policy(folder({ 'cases.yaml': wrong }), 'test', 'cases.yaml');
    expect(code).toBe(1);
    expect(stderr).toBe('1 of 2 failed\n');
    expect(stdout).toBe(
      [
        'pass ml may chat',
        'fail nobody has a shell',
        '       the verdict is deny by no-shell, reason policy-denied',
        '       effect',
        '         expected "allow"',
        '         found    "deny"',
        '       rule',
        '         expected "ml"',
        '         found    "no-shell"',
        '       reason',
        '         expected "completed"',
        '         found    "policy-denied"',
        '',
      ].join('\n'),
    );
  });

  it('gives programs the same as JSON', async () => {
    const { stdout } = await policy(folder({ 'cases.yaml': CASES }), 'test', 'cases.yaml', '--json');
    const results: { name: string; verdict: { effect: string }; differences: unknown[] }[] = JSON.parse(stdout);
    expect(results.map(({ name, verdict, differences }) => [name, verdict.effect, differences])).toEqual([
      ['ml may chat', 'allow', []],
      ['nobody has a shell', 'deny', []],
    ]);
  });

  it('takes policies that are written beside the cases, and needs no config then', async () => {
    const own = `policies: [{ name: all, when: 'true', then: allow }]\n${CASES.replaceAll('rule: ml,', 'rule: all,').replace('effect: deny, rule: no-shell', 'effect: allow')}`;
    const { code } = await policy(
      folder({ 'cases.yaml': own.replace(', mask: { answer: [pii] }', '') }),
      'test',
      'cases.yaml',
      '--config',
      'none.yaml',
    );
    expect(code).toBe(0);
  });

  it('says where a file of cases is wrong', async () => {
    const wrong = CASES.replace('effect: allow', 'efect: allow');
    const { code, stderr } = await policy(folder({ 'cases.yaml': wrong }), 'test', 'cases.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain('cases.yaml:6:15: cases[0].expect.efect: unknown key; did you mean "effect"?');
    expect(stderr).toContain('error: one problem in cases.yaml');
  });

  it('says where a condition is wrong', async () => {
    const dir = folder({ 'cases.yaml': CASES, 'sallyport.yaml': CONFIG.replace('caller.groups', 'caller.grups') });
    const { code, stderr } = await policy(dir, 'test', 'cases.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain(
      'policies[0].when (rule ml), line 1, column 16: caller has no field grups; did you mean groups?',
    );
    expect(stderr).toContain('  "ml" in caller.grups\n                 ^');
  });
});

describe('sallyport policy explain', () => {
  it('shows the limits that apply, and "policy test" asserts them', async () => {
    const limits = `
policies:
  - { name: ml, when: '"ml" in caller.groups', then: allow, limit: { requests: 60, concurrent: 4, within: 1m } }
  - { name: trial, when: 'caller.claims.tenant == "trial"', limit: { per: [caller, model], answer_bytes: 2KiB, within: 90s } }
`;
    const config = `${CONFIG.slice(0, CONFIG.indexOf('policies:'))}${limits}`;
    const call = 'caller: { groups: [ml], claims: { tenant: a } }\ncall: { service: llm }\n';
    const dir = folder({ 'sallyport.yaml': config, 'call.yaml': call });
    const { code, stdout } = await policy(dir, 'explain', '--call', 'call.yaml');
    expect(code).toBe(0);
    expect(stdout).toMatch(/→ matched +allow +ml {2}at most 60 requests within 1m, 4 calls at once, for all together/);
    expect(stdout).toMatch(/ {2}not matched +limit +trial\n/);

    const trial = folder({ 'sallyport.yaml': config, 'call.yaml': call.replace(': a', ': trial') });
    expect((await policy(trial, 'explain', '--call', 'call.yaml')).stdout).toMatch(
      /→ matched +limit +trial {2}at most 2048 answer bytes within 90s, per caller and model/,
    );
    const cases = `${limits}
cases:
  - { name: right, caller: { groups: [ml] }, call: { service: llm }, expect: { effect: allow, limits: [ml, trial] } }
  - { name: wrong, caller: { groups: [ml] }, call: { service: llm }, expect: { effect: allow, limits: [ml] } }
`;
    const tested = await policy(folder({ 'cases.yaml': cases }), 'test', 'cases.yaml');
    expect(tested.code).toBe(1);
    expect(tested.stdout).toContain('pass right');
    expect(tested.stdout).toContain('found    ["ml","trial"]');
  });

  const call = 'caller: { groups: [ml] }\ncall: { service: llm, tools: [shell] }\n';

  it('shows the verdict, what every rule says, and the values behind it', async () => {
    const { code, stdout } = await policy(folder({ 'call.yaml': call }), 'explain', '--call', 'call.yaml');
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        'deny by no-shell, reason policy-denied',
        '  No shell.',
        '  matched     allow   ml',
        '      caller.groups = ["ml"]',
        '→ matched     deny    no-shell',
        '      call.tools = [{name: "shell", type: "function"}]',
        '  error       allow   cleared  no such key',
        '      caller.claims = {}',
        '      caller.claims.clearance = error: no such key',
        '→ matched     mask    pii',
        '',
      ].join('\n'),
    );
  });

  it('asks as somebody else', async () => {
    const dir = folder({ 'call.yaml': 'call: { service: llm }\n' });
    const { stdout } = await policy(
      dir,
      'explain',
      '--call',
      'call.yaml',
      '--as',
      'ada',
      '--groups',
      'ml,ops',
      '--kind',
      'agent',
      '--json',
    );
    const { verdict, rules } = JSON.parse(stdout);
    expect(verdict).toMatchObject({ effect: 'allow', rule: 'ml' });
    expect(rules[0]).toMatchObject({
      name: 'ml',
      outcome: 'matched',
      parts: [{ text: 'caller.groups', value: '["ml", "ops"]' }],
    });
  });

  it('refuses a kind of caller that there is not', async () => {
    const dir = folder({ 'call.yaml': call });
    const { code, stderr } = await policy(dir, 'explain', '--call', 'call.yaml', '--kind', 'robot');
    expect(code).toBe(2);
    expect(stderr).toContain('robot');
  });
});

describe('guards and classifiers', () => {
  const GUARDED = `
identity: { issuers: [{ issuer: https://idp.example.com, audience: sallyport }] }
services:
  - name: llm
    protocol: openai
    upstream: { url: http://127.0.0.1:1 }
    tools: { offer: [get_weather] }
  - name: triton
    protocol: kserve
    upstream: { url: http://127.0.0.1:1 }
    tensors: { check: metadata }
  - name: mcp
    protocol: mcp
    upstream: { url: http://127.0.0.1:1 }
    tools: { arguments: { read: { type: object, properties: { path: { type: string } }, required: [path] } } }
classifiers:
  - { name: guard, kind: webhook, url: http://127.0.0.1:2, on_error: deny, services: [llm] }
policies:
  - { name: all, when: 'true', then: allow }
  - { name: unsafe, when: 'call.classified.guard.flagged', then: deny }
`;
  const explained = async (call: string, ...more: string[]) => {
    const dir = folder({
      'sallyport.yaml': GUARDED,
      'call.yaml': call,
      'said.yaml': 'guard: { outcome: flagged, labels: [S1] }\n',
    });
    return policy(dir, 'explain', '--call', 'call.yaml', ...more);
  };
  const passed = 'classified: { guard: { outcome: passed } }';

  it('tells which guard would refuse, and why', async () => {
    const { stdout } = await explained(`call: { service: llm, tools: [shell], ${passed} }\n`);
    expect(stdout).toContain('deny by llm.tools, reason policy-denied\n  A tool that it offers is not one');
    expect(stdout).toMatch(/→ refuses +guard +llm\.tools {2}A tool that it offers/);
    const mcp =
      '{ service: mcp, protocol: mcp, path: /, operation: tools/call, tool_calls: [{ name: read, made: true }] }';
    expect((await explained(`call: ${mcp}\n`)).stdout).toMatch(
      /→ refuses +guard +mcp\.tools {2}What the tool read is given/,
    );
  });

  it('tells what becomes of a call for what a classifier may say, until that is given', async () => {
    const call = 'call: { service: llm, tools: [get_weather] }\n';
    expect((await explained(call)).stdout).toContain(
      [
        'not known, for want of what guard would say',
        '  guard passed: allow by all, reason completed',
        '  guard flagged: deny by unsafe, reason policy-denied',
        '  guard failed: deny, reason classifier-unavailable',
        '',
      ].join('\n'),
    );
    const { stdout } = await explained(call, '--classifier-result', 'said.yaml');
    expect(stdout).toContain('deny by unsafe, reason policy-denied\n');
    expect(stdout).toMatch(/asked +classifier guard {2}by rules; flagged\n/);
  });

  it('holds tensors against what the model is said to take, and knows nothing without that', async () => {
    const call = (tensors: string) =>
      `call: { service: triton, protocol: kserve, path: /v2/models/m/infer, operation: infer, tensors: [${tensors}] }\n`;
    const metadata = 'metadata: [[{ name: x, datatype: FP32, shape: [-1, 4] }]]\n';
    const fits = call('{ name: x, shape: [1, 4] }');
    expect((await explained(fits)).stdout).toContain('not known, for want of what triton.tensors would say');
    expect((await explained(metadata + fits)).stdout).toMatch(/^allow by all/);
    expect((await explained(metadata + call('{ name: x, shape: [1, 5] }'))).stdout).toContain(
      'deny by triton.tensors, reason policy-denied\n  The tensors are not what the model takes: it takes x FP32 [-1, 4].',
    );
  });

  it('are asserted by "policy test", which fails a case that leaves open what matters', async () => {
    const cases = `
cases:
  - { name: tool, call: { service: llm, tools: [shell], ${passed} }, expect: { effect: deny, rule: llm.tools } }
  - { name: said, call: { service: llm, ${passed} }, expect: { effect: allow } }
  - { name: unsaid, call: { service: llm }, expect: { effect: allow } }
`;
    const { code, stdout } = await policy(
      folder({ 'sallyport.yaml': GUARDED, 'cases.yaml': cases }),
      'test',
      'cases.yaml',
    );
    expect(code).toBe(1);
    expect(stdout).toContain('pass tool\npass said\nfail unsaid\n');
    expect(stdout).toContain('       guard\n         expected what it says, given\n         found    not given\n');
  });
});
