// The HTML report in a real browser. Called by `run`; the argument is the agentgauge binary.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const binary = resolve(process.argv[2]);
const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
const faults = [];
const fault = (where, what) => { faults.push(`${where}: ${what}`); };

// ---- Endpoints on loopback -------------------------------------------------------------------

const evil = `<script>document.title="owned"</script><img src=x onerror='document.title="owned"'>"'\`</style></svg>\u202e\u001b[2J`;

const bodyOf = async (request) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  try { return JSON.parse(text); } catch { return null; }
};

const servers = {
  // Answers everything, with text that wants to be markup in every place that a server can fill.
  hostile: async (request, response) => {
    const message = await bodyOf(request);
    const json = (value) => {
      response.writeHead(200, { "content-type": "application/json", "x-powered-by": evil.replace(/[^\x20-\x7e]/g, "") });
      response.end(JSON.stringify({ jsonrpc: "2.0", id: message?.id ?? null, ...value }));
    };
    const tool = { name: evil, description: evil, inputSchema: { type: evil, properties: { [evil]: {} } } };
    switch (message?.method) {
      case "initialize":
        return json({ result: { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: evil, version: evil }, instructions: evil } });
      case "tools/list": return json({ result: { tools: [tool, tool] } });
      case "ping": return json({ result: {} });
      default: return json({ error: { code: -32601, message: evil, data: evil } });
    }
  },
  // Asks for a credential.
  gated: async (request, response) => {
    await bodyOf(request);
    response.writeHead(401, { "www-authenticate": `Bearer realm="${"x".repeat(200)}"`, "content-type": "application/json" });
    response.end('{"error":"unauthorized"}');
  },
  // A feed that says something now and then.
  feed: async (request, response) => {
    await bodyOf(request);
    if (request.method !== "GET") { response.writeHead(405).end(); return; }
    response.writeHead(200, { "content-type": "text/event-stream" });
    let id = Number(request.headers["last-event-id"] ?? 0);
    const say = () => { id += 1; response.write(`id: ${id}\nevent: <b>tick</b>\ndata: {"n":${id}}\n\n`); };
    say();
    const timer = setInterval(say, 300);
    request.on("close", () => clearInterval(timer));
  },
};

const listening = await Promise.all(Object.entries(servers).map(([name, handle]) => new Promise((done) => {
  const server = http.createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1", () => done([name, server, `http://127.0.0.1:${server.address().port}/mcp`]));
})));

// ---- Reports ---------------------------------------------------------------------------------

const run = promisify(execFile);
const page = async (name, ...args) => {
  // A gate that failed or a score that is withheld is no fault of the page.
  const options = { maxBuffer: 64e6 };
  await run(binary, args, options).catch((error) => { if (![1, 3, 4].includes(error.code)) throw error; });
  return name;
};
const pages = [];
for (const [name, , url] of listening) {
  pages.push(await page(name, "scan", "-q", "--profile", "quick", "-f", "html", "-o", `${name}.html`, url));
}
const several = ["scan", "-q", "--profile", "quick", "-f", "html", "-o", "several.html", "http://127.0.0.1:1/mcp"];
pages.push(await page("several", ...several, ...listening.map(([, , url]) => url)));
const demo = await run("sh", ["-c", `'${binary}' demo -f html > demo.html`]).then(() => "demo");
pages.push(demo);
// Recorded scans of real servers: a resumed stream, both eras, HTTP+SSE, and a web page.
for (const slug of ["ts-everything-http", "py2-events", "py1-sse", "nginx-static"]) {
  const transcript = resolve("../../fixtures", slug, "transcript.jsonl");
  pages.push(await page(slug, "replay", "-q", "-f", "html", "-o", `${slug}.html`, transcript));
}
for (const [, server] of listening) { server.closeAllConnections(); server.close(); }

// ---- The browser -----------------------------------------------------------------------------

const browser = await chromium.launch({
  executablePath: (await run("sh", ["-c", 'command -v "${CHROMIUM:-chromium}"'])).stdout.trim(),
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const looks = {
  light: { viewport: { width: 1200, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1200, height: 900 }, colorScheme: "dark" },
  narrow: { viewport: { width: 390, height: 844 }, colorScheme: "light" },
};

/** Opens a page and calls `look`; anything the page says or asks for is a fault. */
async function open(name, title, options, look) {
  const context = await browser.newContext(options);
  const tab = await context.newPage();
  const where = `${name} ${title}`;
  const own = pathToFileURL(`${name}.html`).href;
  tab.on("console", (message) => fault(where, `console: ${message.text()}`));
  tab.on("pageerror", (error) => fault(where, `error: ${error}`));
  tab.on("dialog", (dialog) => { fault(where, "a dialog"); dialog.dismiss(); });
  tab.on("request", (request) => {
    if (request.url() !== own && !request.url().startsWith("data:")) fault(where, `request: ${request.url()}`);
  });
  await tab.goto(own);
  await look(tab, where);
  await context.close();
}

/** The page from its top, as far as a picture can reach. */
async function photograph(tab, path) {
  const { width, height } = await tab.evaluate(() => ({ width: innerWidth, height: document.documentElement.scrollHeight }));
  await tab.setViewportSize({ width, height: Math.min(height, 6000) });
  await tab.screenshot({ path });
}

for (const name of pages) {
  for (const [title, options] of Object.entries(looks)) {
    await open(name, title, options, async (tab, where) => {
      await photograph(tab, `${name}.${title}.png`);
      const seen = await tab.evaluate(() => ({
        title: document.title,
        wide: document.documentElement.scrollWidth > innerWidth,
        headings: document.querySelectorAll("h1").length,
        scripts: document.querySelectorAll("script, img, iframe").length,
        handlers: [...document.querySelectorAll("*")].some((e) => e.getAttributeNames().some((a) => a.startsWith("on"))),
        text: document.body.innerText,
      }));
      if (seen.wide) fault(where, "wider than the window");
      if (seen.headings !== 1) fault(where, `${seen.headings} h1`);
      if (seen.scripts > 0 || seen.handlers || seen.title === "owned") fault(where, "remote text became markup");
      if (name === "hostile" && !seen.text.includes("<script>document.title")) fault(where, "the hostile name is not shown as text");
    });
    // The page's own policy forbids axe-core; it may run only here.
    await open(name, `${title} axe`, { ...options, bypassCSP: true }, async (tab, where) => {
      await tab.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
      await tab.addScriptTag({ content: axe });
      const { violations } = await tab.evaluate(() => globalThis.axe.run());
      for (const violation of violations) {
        const at = violation.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ");
        fault(where, `axe ${violation.impact} ${violation.id}: ${at}`);
      }
    });
  }
  await open(name, "print", looks.dark, async (tab, where) => {
    await tab.emulateMedia({ media: "print" });
    const closed = await tab.evaluate(() =>
      [...document.querySelectorAll("details > :not(summary)")].filter((e) => e.getBoundingClientRect().height === 0).length);
    if (closed > 0) fault(where, `${closed} details are not printed`);
    const paper = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
    if (paper !== "rgb(255, 255, 255)") fault(where, `printed on ${paper}`);
    await tab.pdf({ path: `${name}.pdf`, format: "A4", printBackground: true });
    await tab.setViewportSize({ width: 760, height: 1000 });
    await photograph(tab, `${name}.print.png`);
  });
  await open(name, "anchors", looks.light, async (tab, where) => {
    const broken = await tab.evaluate(() =>
      [...document.querySelectorAll("a[href^='#']")].filter((a) => !document.getElementById(a.getAttribute("href").slice(1))).length);
    if (broken > 0) fault(where, `${broken} links lead nowhere`);
    const link = tab.locator("ul.evidence a").first();
    if (await link.count() > 0 && await link.isVisible()) {
      await link.click();
      if (!await tab.locator("tr:target").isVisible()) fault(where, "a link to an exchange does not open the table");
    }
  });
  const bytes = readFileSync(`${name}.html`).length;
  if (bytes >= 300_000 && !["several", "demo"].includes(name)) fault(name, `${bytes} bytes for one target`);
  console.log(`${name}: ${bytes} bytes`);
}
await browser.close();

for (const line of faults) console.error(line);
console.log(faults.length === 0 ? `${pages.length} pages are sound; pictures in target/browser` : `${faults.length} faults`);
// A connection that the browser left open would keep the process.
process.exit(faults.length === 0 ? 0 : 1);
