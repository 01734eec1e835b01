// TypeScript SDK 2: both eras from one handler, behind the SDK's own guards.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const packages = createRequire(pathToFileURL(`${process.cwd()}/package.json`));
const load = (name) => import(pathToFileURL(packages.resolve(name)).href);
const { McpServer, createMcpHandler } = await load('@modelcontextprotocol/server');
const { toNodeHandler, localhostHostValidation, localhostOriginValidation } = await load('@modelcontextprotocol/node');
const { z } = await load('zod');

function server() {
  const made = new McpServer({ name: 'interop-ts2', version: '1.0.0' });
  made.registerTool(
    'add',
    { description: 'Adds two numbers', inputSchema: z.object({ a: z.number(), b: z.number() }) },
    async ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
  );
  return made;
}

const host = localhostHostValidation();
const origin = localhostOriginValidation();
const handle = toNodeHandler(createMcpHandler(server));
createServer((request, response) => {
  if (!host(request, response) || !origin(request, response)) return;
  if (request.url !== '/mcp') response.writeHead(404).end();
  else handle(request, response);
}).listen();
