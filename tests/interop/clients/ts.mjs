// A TypeScript client: node ts.mjs 1|2 URL http|sse. Connects, lists the tools of every page, and says in one line
// of JSON how far it came. Nothing is called.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [, , sdk, url, transport] = process.argv;
const packages = createRequire(pathToFileURL(`${process.cwd()}/package.json`));
const load = (name) => import(pathToFileURL(packages.resolve(name)).href);
const STEP_MS = 15_000;

async function made() {
  const who = { name: 'interop-client', version: '1.0.0' };
  const open = (Transport) => new Transport(new URL(url));
  if (sdk === '1') {
    const { Client } = await load('@modelcontextprotocol/sdk/client/index.js');
    const { StreamableHTTPClientTransport } = await load('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const { SSEClientTransport } = await load('@modelcontextprotocol/sdk/client/sse.js');
    return [new Client(who), open(transport === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport)];
  }
  const { Client, SSEClientTransport, StreamableHTTPClientTransport } = await load('@modelcontextprotocol/client');
  if (transport === 'sse') return [new Client(who), open(SSEClientTransport)];
  return [new Client(who, { versionNegotiation: { mode: 'auto' } }), open(StreamableHTTPClientTransport)];
}

function within(step, promise) {
  const late = (_, reject) => setTimeout(() => reject(new Error(`${step}: nothing in ${STEP_MS} ms`)), STEP_MS).unref();
  return Promise.race([promise, new Promise(late)]);
}

function end(said) {
  process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));
}

const said = { connected: false, listed: false, tools: 0, error: null };
process.on('uncaughtException', (error) => end({ ...said, error: String(error) }));
try {
  const [client, line] = await made();
  await within('connect', client.connect(line));
  said.connected = true;
  if (client.getServerCapabilities()?.tools) {
    for (let cursor, page = 0; page < 20; page += 1) {
      const list = await within('tools/list', client.listTools(cursor === undefined ? undefined : { cursor }));
      said.tools += list.tools.length;
      cursor = list.nextCursor;
      if (cursor === undefined) break;
    }
  }
  said.listed = true;
} catch (error) {
  said.error = String(error?.message ?? error).slice(0, 300);
}
end(said);
