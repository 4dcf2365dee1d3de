/** The config that `sallyport init` writes: a working one, with comments that say what to change. */

/** Returns the text of a first `sallyport.yaml`; `schema` is where editors find its JSON Schema. */
export const firstConfig = (schema: string): string => `# yaml-language-server: $schema=${schema}
#
# Sallyport stands between callers and inference services. For every call it verifies who is asking, reads what they
# ask, lets policy decide, masks the answer, and records the whole exchange.
#
#   sallyport check     tells what is wrong with this file
#   sallyport start     opens the gateway

# Callers connect here. A service named llm answers at http://127.0.0.1:8080/llm/...
listeners:
  - address: 127.0.0.1:8080

# How callers reach the first listener: behind a proxy with TLS, its address.
public_url: http://127.0.0.1:8080

# The API, /metrics, /healthz and /readyz. Not for callers.
control:
  address: 127.0.0.1:8081

# Whose tokens are accepted. Keys are found by OIDC discovery.
identity:
  issuers:
    - issuer: https://idp.example.com # change me
      audience: sallyport # what the aud of a token must contain
      groups: groups # the claim that holds the groups

# What callers reach.
services:
  - name: llm
    protocol: openai # or anthropic, vllm, ollama, kserve, http, …: docs/protocols.md has them all
    upstream:
      url: http://127.0.0.1:11434 # change me
      # What the gateway presents to the model server; a caller's own token never goes there.
      # credential: { bearer: { env: UPSTREAM_KEY } }
    # What the model server does when a caller sets no limit, so that policies can count on it.
    # assume: { max_tokens: 4096 }

# Who may do what. Deny beats approve beats allow; a call that no rule allows is denied.
policies:
  - name: ml-may-chat
    when: 'call.service == "llm" && "ml" in caller.groups'
    then: allow

  - name: no-shell-tools
    when: 'call.tools.exists(t, t.name == "shell")'
    then: deny
    message: The shell tool is not available here.

  - name: big-jobs-need-a-human
    when: 'call.input_tokens > 50000'
    then: { approve: { by: ["group:ml-leads"], quorum: 1, within: 15m, use_within: 5m } }

# What nobody gets to see, unless a rule leaves them out. \`sallyport detectors list\` names the entities.
masking:
  - name: pii
    when: '!("privacy-cleared" in caller.groups)'
    direction: response # request, response or both
    entities: [email, phone, credit_card, iban, us_ssn, secret]
    with: replace

# Recordings are encrypted under this key: keep a copy of it where the gateway is not.
recording:
  keep: 90d
  key: { file: ./keys/recording.key }

# The ledger's checkpoints are signed with this key; ledger.pub is what auditors verify with.
ledger:
  key: { file: ./keys/ledger.key }

store:
  path: ./data
`;
