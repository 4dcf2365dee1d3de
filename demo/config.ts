/** The sallyport.yaml of the demo, as one would write it by hand. */

/** Where things are. */
export interface Addresses {
  readonly issuer: string;
  readonly model: string;
  /** Of the user's own model server; empty for none. */
  readonly upstream: string;
  readonly port: number;
  readonly controlPort: number;
}

const ownService = (upstream: string): string =>
  upstream === '' ? '' : `\n  - name: mine\n    protocol: openai\n    upstream: { url: ${upstream} }`;

/** Returns the text of the config. */
export const demoConfig = ({ issuer, model, upstream, port, controlPort }: Addresses): string => `# The demo's gateway.
listeners: [{ address: 127.0.0.1:${port} }]
public_url: http://127.0.0.1:${port}
control: { address: 127.0.0.1:${controlPort} }

identity:
  issuers:
    - issuer: ${issuer}
      audience: sallyport

services:
  - name: llm
    protocol: openai
    upstream: { url: ${model}, credential: { bearer: { env: MODEL_SERVER_KEY } } }
    assume: { max_tokens: 4096 }${ownService(upstream)}

policies:
  - name: ml-may-use-models
    when: '"ml" in caller.groups'
    then: allow

  - name: no-shell-tools
    when: 'call.tools.exists(t, t.name == "shell")'
    then: deny
    message: The shell tool is not available here.

  - name: big-jobs-need-a-human
    when: 'call.max_tokens > 8000'
    then: { approve: { by: ["group:ml-leads"], quorum: 1, within: 15m, use_within: 5m } }

masking:
  - name: pii
    when: '!("privacy-cleared" in caller.groups)'
    direction: response
    entities: [email, phone, credit_card, iban, us_ssn, secret]
    with: replace
`;
