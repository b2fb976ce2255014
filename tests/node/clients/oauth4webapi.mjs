// A certified OAuth client library that checks whatever the RFCs let it check, at the MCP server's address.
//
// usage: node oauth4webapi.mjs URL BROWSER none|client_secret_basic|client_secret_post [oauth2|oidc]
//
// Prints one JSON report. Every step of the library throws when an answer is not as its RFC says.

import * as oauth from "oauth4webapi";

import { listen } from "./loopback.mjs";

const [url, browser, method, algorithm = "oauth2"] = process.argv.slice(2);
const http = { [oauth.allowInsecureRequests]: true };
const scope = "mcp:tools snippets:read snippets:write";
const callback = await listen(browser);

async function discover() {
  const resource = new URL(url);
  const found = await oauth.resourceDiscoveryRequest(resource, http);
  const metadata = await oauth.processResourceDiscoveryResponse(resource, found);
  const issuer = new URL(metadata.authorization_servers[0]);
  const answer = await oauth.discoveryRequest(issuer, { ...http, algorithm });
  return [metadata, await oauth.processDiscoveryResponse(issuer, answer)];
}

async function register(server) {
  const metadata = {
    client_name: "oauth4webapi",
    redirect_uris: [callback.redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: method,
    scope,
  };
  const answer = await oauth.dynamicClientRegistrationRequest(server, metadata, http);
  return oauth.processDynamicClientRegistrationResponse(answer);
}

function authentication(client) {
  if (method === "none") return oauth.None();
  return method === "client_secret_basic"
    ? oauth.ClientSecretBasic(client.client_secret)
    : oauth.ClientSecretPost(client.client_secret);
}

async function authorize(server, client, resource) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const address = new URL(server.authorization_endpoint);
  const parameters = {
    client_id: client.client_id,
    redirect_uri: callback.redirectUri,
    response_type: "code",
    scope,
    state,
    resource,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  // State and issuer (RFC 9207) are checked here.
  return [oauth.validateAuthResponse(server, client, await callback.signIn(address), state), verifier];
}

async function refusal(request, process) {
  try {
    await process(await request);
    return null;
  } catch (error) {
    return error.error ?? error.cause?.[0]?.parameters?.error ?? String(error);
  }
}

const [metadata, server] = await discover();
const client = await register(server);
const proof = authentication(client);
const withResource = { ...http, additionalParameters: { resource: metadata.resource } };
const [answer, verifier] = await authorize(server, client, metadata.resource);
const redeem = () =>
  oauth.authorizationCodeGrantRequest(server, client, proof, answer, callback.redirectUri, verifier, withResource);
const tokens = await oauth.processAuthorizationCodeResponse(server, client, await redeem());

const refresh = (token) => oauth.refreshTokenGrantRequest(server, client, proof, token, withResource);
const refreshed = await oauth.processRefreshTokenResponse(server, client, await refresh(tokens.refresh_token));

// RFC 9068: signature, typ, issuer, audience, lifetime, client_id, jti. The audience is the canonical resource.
const presented = new Request(url, { headers: { authorization: `Bearer ${refreshed.access_token}` } });
const audience = JSON.parse(atob(refreshed.access_token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).aud;
const claims = await oauth.validateJwtAccessToken(server, presented, audience, http);

const body = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "hello_mcp", arguments: {} } };
body.params._meta = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "oauth4webapi", version: "3" },
  "io.modelcontextprotocol/clientCapabilities": {},
};
const headers = new Headers({
  accept: "application/json, text/event-stream",
  "content-type": "application/json",
  "mcp-method": "tools/call",
  "mcp-name": "hello_mcp",
  "mcp-protocol-version": "2026-07-28",
});
const post = (token) => oauth.protectedResourceRequest(token, "POST", new URL(url), headers, JSON.stringify(body), http);
const { result } = await (await post(refreshed.access_token)).json();

await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, proof, refreshed.refresh_token, http),
);
console.log(
  JSON.stringify({
    resource: metadata.resource,
    issuer: server.issuer,
    authentication: client.token_endpoint_auth_method,
    secret: client.client_secret !== undefined,
    scope: tokens.scope.split(" "),
    rotated: refreshed.refresh_token !== tokens.refresh_token,
    claims: { iss: claims.iss, aud: claims.aud, client: claims.client_id === client.client_id },
    hello: result.content[0].text,
    bad_token: await refusal(post("not.a.token"), (response) => response.json()),
    code_again: await refusal(redeem(), (r) => oauth.processAuthorizationCodeResponse(server, client, r)),
    after_revocation: await refusal(refresh(refreshed.refresh_token), (r) =>
      oauth.processRefreshTokenResponse(server, client, r),
    ),
  }),
);
callback.close();
