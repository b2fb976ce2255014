// The official TypeScript client, any version, used as its documentation says, from one URL to stored snippets.
//
// usage: node typescript_sdk.mjs PACKAGE URL BROWSER [http|sse] [legacy|auto|REVISION]
//
// Prints one JSON report, the same that the other languages' programs print. Knows nothing of the product but
// what tools it has.

import { randomBytes } from "node:crypto";

import { listen } from "./loopback.mjs";

const [name, url, browser, kind = "http", negotiation = "legacy"] = process.argv.slice(2);
const SECOND_GENERATION = "@modelcontextprotocol/client";

async function load() {
  if (name === SECOND_GENERATION) return import(name);
  // Streamable HTTP came with 1.10: what is not asked for is not loaded.
  const modules = ["index.js", "auth.js", kind === "sse" ? "sse.js" : "streamableHttp.js"];
  return Object.assign({}, ...(await Promise.all(modules.map((module) => import(`${name}/client/${module}`)))));
}

const sdk = await load();
const callback = await listen(browser);

/** Everything the client is given stays in this object. */
class Memory {
  granted = [];
  expectedState = randomBytes(16).toString("hex");

  get redirectUrl() {
    return callback.redirectUri;
  }

  get clientMetadata() {
    return {
      client_name: name,
      redirect_uris: [callback.redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }

  state = () => this.expectedState;
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.granted.at(-1);
  saveTokens = (tokens) => void this.granted.push(tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  redirectToAuthorization = (address) => void (this.answer = callback.signIn(address));
  saveDiscoveryState = (state) => void (this.discovery = state);
  discoveryState = () => this.discovery;
}

const memory = new Memory();

function transport() {
  const Transport = kind === "sse" ? sdk.SSEClientTransport : sdk.StreamableHTTPClientTransport;
  return new Transport(new URL(url), { authProvider: memory });
}

function client() {
  const mode = ["legacy", "auto"].includes(negotiation) ? negotiation : { pin: negotiation };
  return new sdk.Client({ name, version: "1" }, { capabilities: {}, versionNegotiation: { mode } });
}

async function connect() {
  const first = transport();
  try {
    await client().connect(first);
    throw new Error("connected without a token");
  } catch (error) {
    if (!(error instanceof sdk.UnauthorizedError)) throw error;
  }
  const answer = await memory.answer;
  // The first versions know neither state nor issuer.
  if (answer.has("state") && answer.get("state") !== memory.expectedState) throw new Error("another state");
  await first.finishAuth(name === SECOND_GENERATION ? answer : answer.get("code"), answer.get("iss"));
  const second = { client: client(), transport: transport() };
  await second.client.connect(second.transport);
  return second;
}

const text = (result) => result.content.map((block) => block.text).join("");
const call = (connected, tool, args = {}) => connected.callTool({ name: tool, arguments: args });

async function use(connected) {
  const snippetname = "typescript";
  const { tools } = await connected.listTools();
  await call(connected, "save_snippet", { snippetname, snippet: "console.log('hello')" });
  const listed = JSON.parse(text(await call(connected, "list_snippets")));
  return {
    protocol: connected.getNegotiatedProtocolVersion?.() ?? null,
    tools: tools.map((tool) => tool.name).sort(),
    hello: text(await call(connected, "hello_mcp")),
    snippet: text(await call(connected, "get_snippet", { snippetname })),
    listed: listed.snippets.some((each) => each.snippetname === snippetname),
    deleted: !(await call(connected, "delete_snippet", { snippetname })).isError,
    absent: (await call(connected, "get_snippet", { snippetname })).isError === true,
  };
}

/** With a token that no server accepts, the client refreshes on the 401 and goes on. */
async function refreshes(connected) {
  const before = memory.granted.length;
  memory.granted.push({ ...memory.granted.at(-1), access_token: "expired" });
  await call(connected, "hello_mcp");
  return memory.granted.length === before + 2;
}

const connection = await connect();
const report = await use(connection.client);
report.refreshed = await refreshes(connection.client);
report.scope = memory.granted[0].scope.split(" ");
await connection.transport.terminateSession?.();
await connection.client.close();
callback.close();
console.log(JSON.stringify(report));
