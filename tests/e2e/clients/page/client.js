// An MCP client in a page of another origin: nothing but fetch, so everything here depends on CORS.
//
// `?mcp=URL` is the server. The button signs in; the page comes back with the answer and goes on by itself.
// What it finds is written into the page as JSON.

const SESSIONS = "2025-11-25";
const NEWEST = "2026-07-28";
const query = new URLSearchParams(location.search);
const redirectUri = location.origin + location.pathname;
const memory = JSON.parse(sessionStorage.getItem("memory") ?? "{}");

function remember(values) {
  sessionStorage.setItem("memory", JSON.stringify(Object.assign(memory, values)));
}

function show(report) {
  document.getElementById("report").textContent = JSON.stringify(report);
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

async function json(response) {
  if (!response.ok) throw new Error(`${response.status} from ${response.url}`);
  return response.json();
}

function post(method, params, headers = {}, id = 1) {
  return fetch(memory.mcp, {
    method: "POST",
    headers: { accept: "application/json, text/event-stream", "content-type": "application/json", ...headers },
    body: JSON.stringify({ jsonrpc: "2.0", ...(id ? { id } : {}), method, params }),
  });
}

const hello = { name: "hello_mcp", arguments: {} };
const client = { protocolVersion: SESSIONS, capabilities: {}, clientInfo: { name: "page", version: "1" } };

async function connect() {
  const refused = await post("initialize", client);
  const challenge = refused.headers.get("www-authenticate");
  const resource = await json(await fetch(challenge.match(/resource_metadata="([^"]+)"/)[1]));
  const [issuer] = resource.authorization_servers;
  const server = await json(await fetch(`${issuer}/.well-known/oauth-authorization-server`));
  const registration = {
    client_name: "Page",
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
  };
  const registered = await json(
    await fetch(server.registration_endpoint, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(registration),
    }),
  );
  const verifier = random();
  const state = random();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  remember({ server, verifier, state, clientId: registered.client_id, resource: resource.resource });
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: registered.client_id,
    redirect_uri: redirectUri,
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
    resource: resource.resource,
  });
  location.assign(`${server.authorization_endpoint}?${parameters}`);
}

const grant = (form) =>
  fetch(memory.server.token_endpoint, {
    method: "POST",
    body: new URLSearchParams({ client_id: memory.clientId, resource: memory.resource, ...form }),
  });

async function withSession(authorization) {
  const opened = await post("initialize", client, { authorization });
  const headers = {
    authorization,
    "mcp-session-id": opened.headers.get("mcp-session-id"),
    "mcp-protocol-version": SESSIONS,
  };
  await post("notifications/initialized", {}, headers, null);
  const stopped = new AbortController();
  const stream = await fetch(memory.mcp, {
    headers: { ...headers, accept: "text/event-stream" },
    signal: stopped.signal,
  });
  stopped.abort();
  const { result } = await json(await post("tools/call", hello, headers, 2));
  const closed = await fetch(memory.mcp, { method: "DELETE", headers });
  return { hello: result.content[0].text, stream: stream.headers.get("content-type"), closed: closed.status };
}

async function stateless(authorization) {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": NEWEST,
    "io.modelcontextprotocol/clientInfo": client.clientInfo,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const headers = {
    authorization,
    "mcp-protocol-version": NEWEST,
    "mcp-method": "tools/call",
    "mcp-name": hello.name,
  };
  return (await json(await post("tools/call", { ...hello, _meta }, headers))).result.content[0].text;
}

async function goOn() {
  if (query.get("state") !== memory.state) throw new Error("another state");
  if (query.get("iss") !== memory.server.issuer) throw new Error("another issuer");
  history.replaceState(null, "", redirectUri);
  const form = { code: query.get("code"), redirect_uri: redirectUri, code_verifier: memory.verifier };
  const tokens = await json(await grant({ grant_type: "authorization_code", ...form }));
  const refreshed = await json(await grant({ grant_type: "refresh_token", refresh_token: tokens.refresh_token }));
  const authorization = `Bearer ${refreshed.access_token}`;
  const report = {
    session: await withSession(authorization),
    stateless: await stateless(authorization),
    keys: (await json(await fetch(memory.server.jwks_uri))).keys.length > 0,
  };
  const revocation = new URLSearchParams({ client_id: memory.clientId, token: refreshed.refresh_token });
  report.revoked = (await fetch(memory.server.revocation_endpoint, { method: "POST", body: revocation })).status;
  const again = await grant({ grant_type: "refresh_token", refresh_token: refreshed.refresh_token });
  report.afterwards = (await again.json()).error;
  show(report);
}

/** What a page may see that the MCP server does not serve, even with a token. */
async function look() {
  const authorization = `Bearer ${query.get("token")}`;
  const refused = await post("initialize", client, { authorization }).then(
    (response) => response.status,
    () => "blocked",
  );
  const metadata = await json(await fetch(query.get("metadata")));
  show({ refused, resource: metadata.resource });
}

const failed = (error) => show({ error: String(error) });
if (query.has("mcp")) remember({ mcp: query.get("mcp") });
if (query.has("metadata")) look().catch(failed);
else if (query.has("state")) goOn().catch(failed);
else document.getElementById("connect").addEventListener("click", () => connect().catch(failed));
