/**
 * The one schema of `sallyport.yaml`: its types, defaults, JSON Schema and docs/config.md all come from here.
 * Descriptions are sentences for docs/config.md.
 */

import { z } from 'zod';

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const UNITS_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

const quantity = (units: Readonly<Record<string, number>>, example: string) => {
  const pattern = new RegExp(`^(\\d{1,9})(${Object.keys(units).join('|')})$`);
  const error = `expected a whole number and one of ${Object.keys(units).join(', ')}, for example ${example}`;
  return z
    .string({ error })
    .regex(pattern, error)
    .transform((text) => {
      const [, count, unit] = pattern.exec(text) ?? [];
      return Number(count) * (units[unit ?? ''] ?? 0);
    });
};

/** A duration such as `15m`, read as milliseconds. */
const duration = () => quantity(UNITS_MS, '15m');
/** A size such as `4MiB`, read as bytes. */
const size = () => quantity(UNITS_BYTES, '4MiB');
/** A name that appears in addresses and records. */
const name = () =>
  z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and hyphens, at most 63');

const secret = z
  .union(
    [
      z.strictObject({ env: z.string().min(1).describe('The environment variable that holds it.') }),
      z.strictObject({ file: z.string().min(1).describe('The file that holds it, relative to the config.') }),
    ],
    {
      error: 'expected a reference to a secret, { env: NAME } or { file: PATH }',
    },
  )
  .describe('A secret by reference: `{ env: NAME }` or `{ file: PATH }`; never the secret itself.');

const listenAddress = z
  .string()
  .regex(
    /^(?:unix:\/.+|(?:\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):\d{1,5})$/,
    'expected HOST:PORT, for example 127.0.0.1:8080, or unix:/PATH',
  )
  .describe(
    'Where to listen, `HOST:PORT`, or `unix:/PATH` for a Unix socket. A Unix socket is served by one data worker: with several of them the workers take turns.',
  );

const retentionRule = z.strictObject({
  name: name().describe('What the ledger calls the rule.'),
  services: z.array(name()).default([]).describe('Sessions of one of these services; of all when empty.'),
  groups: z
    .array(z.string().min(1))
    .default([])
    .describe('Sessions of callers in one of these groups; of all when empty.'),
  findings: z
    .array(z.string().min(1))
    .default([])
    .describe('Sessions in which one of these entities was found; all when empty.'),
  keep: duration().describe('How long they are kept.'),
});

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):\d{1,5}$/, 'expected HOST:PORT, for example 127.0.0.1:8080')
  .describe('Where to listen, `HOST:PORT`.');

const issuer = z.strictObject({
  issuer: z.url().describe('The `iss` of the tokens, compared as an exact string; keys are found by OIDC discovery.'),
  audience: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe('What the `aud` of a token must contain, one of them.'),
  groups: z.string().min(1).default('groups').describe('The claim that holds the groups.'),
  kind: z.enum(['human', 'workload', 'agent']).default('human').describe('What kind of caller this issuer speaks for.'),
  algorithms: z
    .array(
      z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']),
    )
    .min(1)
    .default(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'])
    .describe('Signature algorithms that are accepted; asymmetric only.'),
  types: z
    .array(z.string().min(1))
    .min(1)
    .default(['at+jwt', 'JWT'])
    .describe('Values of the `typ` header that are accepted, compared without case and without `application/`.'),
  accepts: z
    .enum(['access_token', 'id_token'])
    .default('access_token')
    .describe('`id_token` accepts OIDC ID tokens, for providers that issue no JWT access tokens.'),
  client_id: z.string().min(1).optional().describe('If set, the `azp` or `client_id` of a token must be this.'),
  max_lifetime: duration().prefault('1d').describe('A token that lives longer than this is refused.'),
  jwks_uri: z.url().optional().describe('Where the keys are, for an issuer without discovery.'),
});

const awsKeys = z.strictObject({
  region: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'expected the name of a region, for example us-east-1')
    .describe('The region of the endpoint.'),
  service: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'expected the name of a service, for example bedrock')
    .default('bedrock')
    .describe('The service that the signature is for.'),
  access_key_id: secret,
  secret_access_key: secret,
  session_token: secret.optional(),
});

const grpc = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Where the model server speaks gRPC, if not at `upstream.url`; `http` is h2c with prior knowledge.'),
    descriptors: z
      .union(
        [
          z.enum(['kserve', 'tfserving', 'reflection']),
          z.strictObject({
            file: z
              .string()
              .min(1)
              .describe('A FileDescriptorSet, as `protoc --include_imports --descriptor_set_out` writes it.'),
          }),
        ],
        { error: 'expected kserve, tfserving, reflection or { file: PATH }' },
      )
      .optional()
      .describe(
        'How messages are known: `kserve` (and Triton) or `tfserving`, built in; `{ file: PATH }`, a descriptor set; or `reflection`, asked of the model server. By default what the protocol of the service is, if it is built in; else only health and reflection can be inspected.',
      ),
    max_message: size()
      .prefault('64MiB')
      .describe('The longest message, in either direction, also once decompressed; at most 2147483647 bytes.'),
  })
  .describe('gRPC on this service, beside what its protocol speaks over HTTP.');

const toolName = z.string().min(1).max(256);

const tools = z
  .strictObject({
    offer: z
      .array(toolName)
      .optional()
      .describe(
        'Names of the tools that callers may offer to the model, those of the server included; `*` stands for any characters, `[]` allows none. Any when it is missing.',
      ),
    call: z
      .array(toolName)
      .optional()
      .describe(
        'Names of the tools that the model may call in its answers, that requests may tell of calls of, and that callers of an MCP server may call. Any when it is missing.',
      ),
    arguments: z
      .record(toolName, z.record(z.string(), z.unknown()))
      .optional()
      .describe(
        'By the name of a tool, the JSON Schema (2020-12) of what it is given; strict, without references to elsewhere, patterns in RE2. A streamed call is held until it is complete, and leaves when it fits.',
      ),
  })
  .describe(
    'Which tools may be offered and called; any other refuses the call, or ends the answer, as `policy-denied`.',
  );

const tensors = z
  .strictObject({
    check: z
      .literal('metadata')
      .describe(
        'Names, types and shapes of tensors must be those that the model server says of the model; what cannot be held against that is refused.',
      ),
    fresh: duration()
      .prefault('10s')
      .describe(
        'How long what the server says stands before it is asked again; what does not fit is asked about at once.',
      ),
  })
  .describe('Only with `kserve`, `tfserving` and their gRPC: whether tensors must be those that the model takes.');

const service = z.strictObject({
  name: name().describe('Names the service in addresses, policies and records: it answers at `/NAME/…`.'),
  protocol: z
    .enum([
      'openai',
      'azure',
      'anthropic',
      'bedrock',
      'cohere',
      'gemini',
      'ollama',
      'tgi',
      'vllm',
      'llama-server',
      'kserve',
      'tfserving',
      'torchserve',
      'sagemaker',
      'mcp',
      'http',
      'grpc',
    ])
    .describe('The wire protocol; `http` is JSON, JSON lines or text over HTTP of any shape, `grpc` any gRPC service.'),
  host: z.string().min(1).optional().describe('Also answer at the root path for this Host.'),
  upstream: z
    .strictObject({
      url: z
        .url({ protocol: /^(?:https?|unix)$/ })
        .describe(
          'Origin of the model server, with a mount path if it has one; `unix:/PATH` or `unix:/PATH:/MOUNT` for a Unix socket.',
        ),
      http: z
        .literal([1.1, 2])
        .default(1.1)
        .describe(
          'The version of HTTP that the model server is spoken to in; `2` without TLS is HTTP/2 with prior knowledge.',
        ),
      credential: z
        .union(
          [
            z.strictObject({ bearer: secret }),
            z.strictObject({
              header: z.string().min(1).describe('The header field that carries the secret.'),
              value: secret,
            }),
            z.strictObject({
              aws: awsKeys.describe('Every call is signed anew for AWS (SigV4).'),
            }),
            z.literal('none'),
          ],
          { error: 'expected { bearer: SECRET }, { header: NAME, value: SECRET }, { aws: … } or none' },
        )
        .default('none')
        .describe("What the gateway presents to the model server. The caller's own credential never goes there."),
      tls: z
        .strictObject({
          ca: secret
            .optional()
            .describe(
              'Certificate authorities in PEM, by reference: only they are believed, not those of the public web.',
            ),
          cert: secret
            .optional()
            .describe('A certificate chain in PEM, by reference, that the gateway proves itself with (mTLS).'),
          key: secret.optional().describe('Its private key in PEM, by reference.'),
          server_name: z
            .string()
            .regex(/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, 'expected a host name')
            .optional()
            .describe(
              'The name that is asked for (SNI) and that the certificate must be for, where it is not the host of `url`.',
            ),
        })
        .optional()
        .describe('How TLS to the model server differs from the usual; only with `https`.'),
      connections: z.int().min(1).max(65_535).default(256).describe('Connections to this upstream per data worker.'),
      connect_timeout: duration().prefault('5s').describe('How long a connection may take to open.'),
      answer_timeout: duration().prefault('10m').describe('How long the head of an answer may take.'),
      idle_timeout: duration().prefault('10m').describe('How long an answer may be silent between two chunks.'),
    })
    .describe('The model server behind the service.'),
  assume: z
    .strictObject({
      max_tokens: z.int().min(1).optional().describe('The output limit of the model server when the caller sets none.'),
    })
    .default({})
    .describe('What the model server does when the caller does not say.'),
  texts: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Only with `http`: which strings of requests and answers are text, as JSON Pointers (`/prompt`) or JSONPaths (`$.messages[*].content`). All are when it is missing; what it leaves out is neither inspected nor masked.',
    ),
  fragments: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Only with `http`: which strings of a stream go on from event to event, as selectors like those of `texts`; `[]` when each event is whole in itself. Masked streams are refused when it is missing.',
    ),
  max_body: size().prefault('16MiB').describe('The inspection limit: a larger request body is refused.'),
  opaque: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe(
      'What happens to a body or operation that cannot be inspected; `allow` passes it and the record says so.',
    ),
  durable: z
    .enum(['before_answer', 'before_forward'])
    .default('before_answer')
    .describe(
      'When the opening record of a call must be on disk: before the answer leaves, or before the call is forwarded.',
    ),
  grpc: grpc.optional(),
  tools: tools.optional(),
  tensors: tensors.optional(),
  websocket: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe('Whether operations that are a WebSocket (OpenAI Realtime) may be opened.'),
  abort_upstream: z.boolean().default(true).describe('Cancel the upstream call when the caller leaves.'),
});

const classifier = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}$/, 'expected lower-case letters, digits and underscores, beginning with a letter')
    .describe('Names it in conditions (`call.classified.NAME`), masking rules, records and metrics.'),
  kind: z
    .enum(['webhook', 'presidio', 'llama-guard', 'bedrock'])
    .describe(
      'What it speaks: the contract of docs/classifiers.md, the REST API of Presidio’s analyzer, chat completions as Llama Guard answers them, or Bedrock’s ApplyGuardrail.',
    ),
  url: z
    .url({ protocol: /^(?:https?|unix)$/ })
    .describe(
      'Where it is: the address that a webhook is posted to; else the base, as `http://10.0.0.9:5002` for Presidio, `http://10.0.0.9:8000/v1` for Llama Guard, `https://bedrock-runtime.us-east-1.amazonaws.com` for Bedrock.',
    ),
  credential: z
    .union(
      [
        z.strictObject({ bearer: secret }),
        z.strictObject({
          header: z.string().min(1).describe('The header field that carries the secret.'),
          value: secret,
        }),
        z.strictObject({ aws: awsKeys.describe('Every question is signed for AWS (SigV4).') }),
        z.literal('none'),
      ],
      { error: 'expected { bearer: SECRET }, { header: NAME, value: SECRET }, { aws: … } or none' },
    )
    .default('none')
    .describe('What the gateway presents to it.'),
  services: z.array(name()).default([]).describe('The services whose calls it looks at; all when empty.'),
  roles: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Of a request, only texts of these roles (`system`, `user`, `assistant`, `tool`) are sent; all when empty.',
    ),
  send: z
    .enum(['masked', 'raw'])
    .default('masked')
    .describe(
      'What it is shown: texts in which everything that detectors find is replaced (`<EMAIL>`), or texts as they are.',
    ),
  on_error: z
    .enum(['deny', 'allow'])
    .describe(
      'What happens to a call that it was to look at and did not: `deny` ends it as `classifier-unavailable`, `allow` lets it go on, and the record says `failed`. There is no default.',
    ),
  timeout: duration().prefault('2s').describe('How long a question may take, waiting for its turn included.'),
  concurrent: z
    .int()
    .min(1)
    .max(1024)
    .default(16)
    .describe('Questions at once per data worker; eight times as many may wait for their turn.'),
  circuit: z
    .strictObject({
      failures: z.int().min(1).max(1000).default(5).describe('So many failures in a row open it.'),
      pause: duration().prefault('10s').describe('How long it stays open; then one question tries.'),
    })
    .prefault({})
    .describe('A classifier that fails is left alone for a while: its questions fail at once.'),
  window: z
    .strictObject({
      characters: z
        .int()
        .min(64)
        .max(16_384)
        .default(1_024)
        .describe('The longest stretch of a streamed text that is held before it is sent.'),
      time: duration().prefault('1s').describe('How long text may wait for the end of its sentence.'),
      context: z
        .int()
        .min(0)
        .max(4_096)
        .default(256)
        .describe('How much of what came before is shown with each stretch.'),
    })
    .prefault({})
    .describe('How streamed answers are cut: sentence by sentence, held until they are classified.'),
  max_characters: z
    .int()
    .min(256)
    .max(16_777_216)
    .default(262_144)
    .describe('What it is shown of one request, and of one answer, at most; more counts as a failure.'),
  threshold: z.number().min(0).max(1).default(0.5).describe('Findings that are less sure than this do not count.'),
  language: z
    .string()
    .min(2)
    .max(16)
    .default('en')
    .describe('Only with `presidio`: the language that texts are taken for.'),
  entities: z
    .array(z.string().min(1))
    .default([])
    .describe('Only with `presidio`: which entities are looked for, by its own names; all when empty.'),
  model: z.string().min(1).optional().describe('Only with `llama-guard`, and needed there: the name of the model.'),
  guardrail: z
    .strictObject({
      id: z
        .string()
        .regex(/^[A-Za-z0-9:/_-]+$/, 'expected the id or the ARN of a guardrail')
        .describe('Its id or ARN.'),
      version: z
        .string()
        .regex(/^(?:DRAFT|[1-9]\d{0,7})$/, 'expected DRAFT or a number')
        .describe('`DRAFT` or the number of a version.'),
    })
    .optional()
    .describe('Only with `bedrock`, and needed there: which guardrail.'),
});

const when = z.string().min(1).describe('A CEL expression that yields a bool.');

const approve = z.strictObject({
  by: z
    .array(z.string().regex(/^(group|subject):.+$/, 'expected group:NAME or subject:ISSUER|SUBJECT'))
    .min(1)
    .describe(
      'Who may approve: `group:ISSUER|NAME` or `subject:ISSUER|SUBJECT`; `group:NAME` where one issuer speaks for people.',
    ),
  quorum: z.int().min(1).max(16).default(1).describe('How many distinct people must approve.'),
  within: duration().prefault('15m').describe('How long the approval may be decided.'),
  use_within: duration().prefault('5m').describe('How long after the decision the call may be made.'),
});

const most = (what: string) => z.int().min(1).optional().describe(what);

const limit = z
  .strictObject({
    per: z
      .array(z.enum(['caller', 'group', 'service', 'model', 'operation']))
      .max(5)
      .default([])
      .describe(
        'What is counted apart: each caller, each group of the caller, each service, each model, each operation. Several make one count for each combination; none makes one count for all calls that the rule matches.',
      ),
    requests: most('Requests within the window; every operation of a batch is one.'),
    tokens: most('Tokens within the window, read and written, as the model server counts them.'),
    spend: z.number().positive().optional().describe('Cost within the window, in the currency of `prices`.'),
    answer_tokens: most('Tokens that the model may write within the window.'),
    answer_bytes: size().optional().describe('Bytes of answers that may leave within the window, such as `50MiB`.'),
    distinct_inputs: most('Different request bodies within the window, estimated: it ends up to a tenth early.'),
    concurrent: most('Calls under way at once.'),
    within: duration()
      .optional()
      .describe('The sliding window, `1s` to `31d`; needed for everything but `concurrent`.'),
  })
  .describe(
    'Beyond it a call is refused as `rate-limited`; a stream that uses up its tokens, cost or bytes is cut as `budget-exceeded`.',
  );

const price = z.strictObject({
  model: z.string().min(1).describe('The name of a model; `*` stands for any characters.'),
  input: z.number().min(0).describe('The price of a million tokens that the model reads.'),
  output: z.number().min(0).describe('The price of a million tokens that the model writes.'),
});

const policy = z.strictObject({
  name: name().describe('Names the rule in records and refusals.'),
  when,
  then: z
    .union([z.enum(['allow', 'deny']), z.strictObject({ approve: approve.describe('The call waits for a human.') })], {
      error: 'expected allow, deny or { approve: … }',
    })
    .describe(
      '`allow`, `deny`, or `{ approve: … }`. Deny beats approve beats allow; no rule matched is a deny. A rule with a `limit` may leave it out.',
    )
    .optional(),
  limit: limit.optional(),
  on: z
    .enum(['request', 'message', 'answer'])
    .optional()
    .describe(
      'What the rule looks at: the request, each further message of a stream, or the answer while it flows (only with `deny`; its condition may read `answer`). By default everything that the caller sends: requests and messages.',
    ),
  message: z.string().max(500).optional().describe('What the caller is told when this rule decides against the call.'),
});

const detector = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,62}$/, 'expected lower-case letters, digits and underscores, beginning with a letter')
    .describe('The entity that it finds: what `masking` rules and `call.findings` name, and masks show.'),
  title: z.string().min(1).max(200).optional().describe('What it is, for people.'),
  pattern: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A regular expression: groups, classes, counts, `\\d` `\\w` `\\s`, `\\b`. It runs in linear time and looks at no more than 320 UTF-16 units. A repeat without an end may stand at its end, where the finding goes on as long as the text does; elsewhere it needs a bound. Lookaround, references to groups, `^`, `$` and lazy repeats are refused.',
    ),
  words: z
    .array(z.string().regex(/\S/, 'expected a word').max(100))
    .min(1)
    .max(2000)
    .optional()
    .describe('Instead of a pattern: words and phrases, each found where it stands whole; white space is any.'),
  ignore_case: z.boolean().default(false).describe('Capital and small letters are the same.'),
  max_repeat: z
    .int()
    .min(1)
    .max(320)
    .optional()
    .describe(
      'How often `*`, `+` and `{2,}` in the middle of the pattern repeat at most; without it they are refused.',
    ),
  check: z
    .enum(['luhn', 'mod97', 'mod11_10', 'verhoeff', 'random'])
    .optional()
    .describe('Arithmetic that a match must pass, punctuation aside; `random`: it must look drawn at random.'),
  except: z
    .array(z.string().min(1))
    .default([])
    .describe('Matches that are no findings, word for word: examples, numbers of the house.'),
  context: z
    .strictObject({
      words: z
        .array(z.string().min(1))
        .min(1)
        .describe('One of these words or phrases must stand in the 64 units ahead of a match; accents do not count.'),
      required: z.boolean().default(true).describe('Without such a word there is no finding; else it is only surer.'),
    })
    .optional()
    .describe('Words that say what stands behind them.'),
  score: z.number().min(0).max(1).default(0.8).describe('How sure a finding is.'),
  priority: z
    .enum(['first', 'last'])
    .default('first')
    .describe('Which goes first where it and a built-in detector both match at one place.'),
});

const masking = z.strictObject({
  name: name().describe('Names the rule in records.'),
  when: when.default('true').describe('A CEL expression that yields a bool: for which calls the rule applies.'),
  direction: z
    .enum(['request', 'response', 'both'])
    .default('response')
    .describe('What is masked: what the model reads, what the caller reads, or both.'),
  entities: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      'What to mask; `sallyport detectors list` names them. `NAME` or `NAME.person` is what the classifier of that name finds.',
    ),
  at: z
    .strictObject({
      paths: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe(
          'JSON Pointers (`/prompt`) or JSONPaths (`$.messages[*].content`; names, positions, `*` and `..`) into the body, or into each event of a stream; a place holds all that is below it.',
        ),
      tensors: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('Names of tensors; `*` stands for any characters.'),
      roles: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('Roles of messages, such as `user` and `tool`; what a model answers is `assistant`.'),
    })
    .optional()
    .describe(
      'Where it applies, everywhere by default; what is given must hold together. Where a place cannot be told, the rule applies.',
    ),
  with: z
    .enum(['replace', 'mask', 'redact', 'hash', 'tokenize', 'encrypt', 'drop', 'block'])
    .default('replace')
    .describe('How an entity is replaced.'),
  restore: z
    .boolean()
    .default(true)
    .describe(
      'Only with `tokenize`: what is replaced in a request is put back into the answer to it, for that caller and that call alone.',
    ),
  key: secret
    .optional()
    .describe(
      'Only with `encrypt`: 32 bytes in base64, by reference. Whoever has it reads the values with `sallyport detectors decrypt`.',
    ),
});

/** The schema of `sallyport.yaml`. */
// BIP 173 as age uses it: bech32 of 32 bytes behind `age1`; its checksum is looked at when a key is wrapped.
const ageRecipient = z
  .string()
  .regex(/^age1[02-9ac-hj-np-z]{58}$/, 'expected an age recipient, age1 and 58 characters')
  .describe('An age recipient, as `age-keygen` prints it.');

export const configSchema = z.strictObject({
  listeners: z
    .array(
      z.strictObject({
        address: listenAddress,
        service: name().optional().describe('Serve only this service here, at the root path.'),
        tls: z
          .strictObject({
            cert: secret.describe('The certificate chain in PEM, by reference.'),
            key: secret.describe('Its private key in PEM, by reference.'),
            clientCa: secret
              .optional()
              .describe('Certificate authorities in PEM: callers must present a certificate of theirs (mTLS).'),
          })
          .optional()
          .describe('Speak TLS here, HTTP/2 or HTTP/1.1 by ALPN; without it plain text.'),
      }),
    )
    .min(1)
    .default([{ address: '127.0.0.1:8080' }])
    .describe('Where callers connect.'),
  public_url: z
    .url()
    .optional()
    .describe('How callers reach the first listener; used in challenges and approval links.'),
  control: z
    .strictObject({ address: address.default('127.0.0.1:8081') })
    .default({ address: '127.0.0.1:8081' })
    .describe('The port for the API, `/metrics`, `/healthz` and `/readyz`. Not for callers.'),
  workers: z.int().min(1).max(64).optional().describe('Data worker threads; by default one less than the cores.'),
  trusted_proxies: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "Addresses or CIDR ranges whose `x-forwarded-for` counts, `unix` for whoever connects to a Unix socket; nobody's by default.",
    ),
  limits: z
    .strictObject({
      headers: size().prefault('16KiB').describe('The largest request head.'),
      connections: z.int().min(1).default(10_000).describe('Open connections per data worker.'),
      calls: z
        .int()
        .min(1)
        .default(5_000)
        .describe('Calls under way per data worker; more are refused as `overloaded`.'),
      resets: z
        .int()
        .min(1)
        .default(500)
        .describe(
          'Calls a second that one HTTP/2 connection may cancel before anything of an answer has left, beside as many as are answered; twice as many at once. A connection with more is ended.',
        ),
      buffered: size().prefault('256MiB').describe('All request bodies in memory together, per data worker.'),
      head_timeout: duration().prefault('10s').describe('How long a request head may take.'),
      body_timeout: duration().prefault('1m').describe('How long a request body may take.'),
      inspection: duration()
        .prefault('2s')
        .describe(
          'How much time of its thread the inspection of one body or message may take; what takes longer is refused. Others have their turns in between.',
        ),
      stall_timeout: duration().prefault('5m').describe('How long a caller may leave an answer unread.'),
      keep_alive: duration().prefault('65s').describe('How long an idle connection stays open.'),
      drain: duration().prefault('30s').describe('How long calls under way may go on after SIGTERM.'),
      counts: z
        .int()
        .min(64)
        .max(4_194_304)
        .default(65_536)
        .describe(
          'Counts of the `limit` rules kept at once, about 220 bytes each, by all data workers together; a call that needs one more is refused as `overloaded`. Changes take effect at the next start. An eighth as many counts of distinct inputs are kept, 3 KiB each.',
        ),
    })
    .prefault({})
    .describe('How much of everything the gateway takes. No bound can be switched off.'),
  identity: z
    .strictObject({
      issuers: z.array(issuer).min(1).describe('Who may vouch for callers.'),
      clock_skew: duration().prefault('30s').describe('Tolerance for the times in tokens; at most 60s.'),
      stale_keys: duration()
        .prefault('1d')
        .describe('How long known keys stay good while their issuer cannot be reached.'),
    })
    .describe('Who is believed about who is calling.'),
  services: z.array(service).min(1).describe('The inference services behind the gateway.'),
  classifiers: z
    .array(classifier)
    .default([])
    .describe('Outside classifiers (docs/classifiers.md). Each is asked only where a rule reads what it says.'),
  policies: z.array(policy).default([]).describe('Who may do what. Without a matching `allow`, a call is denied.'),
  prices: z
    .array(price)
    .default([])
    .describe('What models cost, for rules that limit `spend`; the first that fits counts.'),
  detectors: z
    .array(detector)
    .max(200)
    .default([])
    .describe("The operator's own detectors, beside those of docs/detectors.md, in order of priority."),
  masking: z.array(masking).default([]).describe('What is masked, and for whom.'),
  approvals: z
    .strictObject({
      wait: duration().prefault('1m').describe('The longest that `Prefer: wait=N` holds a call open.'),
      waiting: z.int().min(0).default(100).describe('Calls held open at once per data worker.'),
      pending_per_caller: z.int().min(1).default(20).describe('Pending approvals per caller.'),
    })
    .prefault({})
    .describe('How calls wait for a human.'),
  recording: z
    .strictObject({
      keep: duration()
        .prefault('90d')
        .describe('How long recordings are kept; then their keys are destroyed, and the ledger says so.'),
      retention: z
        .array(retentionRule)
        .default([])
        .describe('Recordings that are kept for longer or shorter: the first rule that a session meets counts.'),
      key: secret
        .default({ file: './keys/recording.key' })
        .describe(
          'The key of the gateway: recording keys are wrapped under it, unless there are `recipients`; `sallyport init` makes one.',
        ),
      recipients: z
        .array(ageRecipient)
        .default([])
        .describe(
          'Who can read recordings (age recipients, `age1…`), instead of whoever has `key`. The gateway can read only what it is still writing.',
        ),
      originals: z
        .array(ageRecipient)
        .default([])
        .describe(
          'Keeps what masking takes away of requests and answers, for these age recipients and nobody else; none: it is not kept.',
        ),
      max_session: size()
        .prefault('64MiB')
        .describe('What is recorded of one call at most; beyond it `over` says what happens.'),
      over: z
        .enum(['refuse', 'truncate'])
        .default('refuse')
        .describe('`refuse` ends the answer at the limit; `truncate` goes on and marks the record as truncated.'),
    })
    .prefault({})
    .describe('What is kept of every call, encrypted.'),
  ledger: z
    .strictObject({
      key: secret
        .default({ file: './keys/ledger.key' })
        .describe('The Ed25519 key that signs checkpoints; `sallyport init` makes one.'),
      checkpoint_every: duration()
        .prefault('1s')
        .describe('How often a checkpoint is signed while there is something new.'),
      witnesses: z
        .array(
          z.strictObject({
            url: z.url().describe('Where it answers, without `/add-checkpoint`.'),
            key: z.string().min(1).describe('Its public key, `NAME+ID+BASE64`, of the type for cosignatures.'),
          }),
        )
        .default([])
        .describe(
          'Witnesses (C2SP tlog-witness) that cosign each checkpoint. One that does not answer is left out; one that has seen another or a longer ledger stops the gateway.',
        ),
      timestamps: z
        .strictObject({
          url: z.url().describe('Where the authority answers (RFC 3161 over HTTP).'),
          certificate: z
            .string()
            .min(1)
            .describe(
              'The file of its certificate (PEM), for time-stamping alone; it is what time-stamps are checked against.',
            ),
          every: duration().prefault('1h').describe('How often a checkpoint is time-stamped.'),
          on_error: z
            .enum(['continue', 'stop'])
            .default('continue')
            .describe(
              '`continue` logs that the authority failed and asks again next time; `stop` lets no call pass any more.',
            ),
        })
        .optional()
        .describe('Has an authority sign when checkpoints existed; the tokens are in the ledger and in proofs.'),
    })
    .prefault({})
    .describe('The tamper-evident log of every call.'),
  store: z
    .strictObject({ path: z.string().min(1).default('./data').describe('The folder of the embedded store.') })
    .prefault({})
    .describe('Where records, the ledger and the approvals are kept.'),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least that is worth a line.'),
    })
    .prefault({})
    .describe('What the gateway says on stderr, as JSON lines; never a payload or a secret.'),
});

/** A checked `sallyport.yaml`, durations in milliseconds and sizes in bytes, every default filled in. */
export type Config = z.output<typeof configSchema>;
export type IssuerConfig = Config['identity']['issuers'][number];
export type ServiceConfig = Config['services'][number];
export type ToolsConfig = NonNullable<ServiceConfig['tools']>;
export type PolicyConfig = Config['policies'][number];
export type LimitConfig = NonNullable<PolicyConfig['limit']>;
export type PriceConfig = Config['prices'][number];
export type DetectorConfig = Config['detectors'][number];
export type MaskingConfig = Config['masking'][number];
export type ClassifierConfig = Config['classifiers'][number];
export type SecretRef = z.output<typeof secret>;
