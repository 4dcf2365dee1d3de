/** What the demo offers to try once the walk is over. */

import { join } from 'node:path';
import type { World } from './world.ts';

/** Returns lines of commands that work while the demo is up. */
export function commandsToTry(
  { folder, baseUrl, controlUrl, issuerUrl, left }: World,
  upstream: string,
): readonly string[] {
  const sallyport = 'npm run -s sallyport --';
  const config = join(folder, 'sallyport.yaml');
  return [
    '# tokens last ten minutes; carol may see what is masked for alice and bob',
    `token() { curl -s ${issuerUrl}/token -d grant_type=password -d client_id=sallyport-people -d username=$1 -d password=$1 |`,
    `  sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'; }`,
    'export ALICE=$(token alice) BOB=$(token bob)',
    '',
    `curl ${baseUrl}/chat/completions -H "authorization: Bearer $ALICE" -H 'content-type: application/json' \\`,
    `  -d '{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Who is Maria?"}]}'`,
    '',
    '# JavaScript',
    `new OpenAI({ baseURL: '${baseUrl}', apiKey: process.env.ALICE })`,
    '# Python',
    `OpenAI(base_url="${baseUrl}", api_key=os.environ["ALICE"])`,
    '',
    `${sallyport} sessions list --config ${config}`,
    `${sallyport} sessions replay ${left.streamedSession} --config ${config}`,
    `${sallyport} ledger verify ${join(folder, 'data')} --key ${join(folder, 'keys/ledger.pub')}`,
    `SALLYPORT_TOKEN=$BOB ${sallyport} approvals list --state all --url ${controlUrl}`,
    `curl ${controlUrl}/metrics`,
    `$EDITOR ${config}     # a changed file is taken over while the gateway runs`,
    ...(upstream === '' ? [] : ['', `# your own model server: ${baseUrl.replace('/llm/', '/mine/')} → ${upstream}`]),
    '',
    'Ctrl-C ends everything and removes the folder.',
  ];
}
