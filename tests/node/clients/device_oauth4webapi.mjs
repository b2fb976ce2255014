// A certified OAuth client library on a device without a browser (RFC 8628).
//
// usage: node device_oauth4webapi.mjs ISSUER RESOURCE CLIENT_ID BROWSER
//
// BROWSER is run once with the address that holds the code. Prints one JSON report.

import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

import * as oauth from "oauth4webapi";

const [issuerUrl, resource, clientId, browser] = process.argv.slice(2);
const http = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(issuerUrl);
const discovered = await oauth.discoveryRequest(issuer, { ...http, algorithm: "oauth2" });
const server = await oauth.processDiscoveryResponse(issuer, discovered);
const client = { client_id: clientId };
const auth = oauth.None();

const asked = new URLSearchParams({ scope: "mcp:tools", resource });
const answer = await oauth.deviceAuthorizationRequest(server, client, auth, asked, http);
const codes = await oauth.processDeviceAuthorizationResponse(server, client, answer);

async function poll() {
  const polled = await oauth.deviceCodeGrantRequest(server, client, auth, codes.device_code, http);
  return oauth.processDeviceCodeResponse(server, client, polled);
}

const errors = new Set();
errors.add(await poll().catch((error) => error.error));
errors.add(await poll().catch((error) => error.error));
spawn(browser, [codes.verification_uri_complete], { stdio: "ignore" });
let tokens;
for (let tries = 0; tokens === undefined && tries < 10; tries++) {
  await sleep((codes.interval + 5) * 1000);
  tokens = await poll().catch((error) => void errors.add(error.error));
}
const presented = new Request(resource, { headers: { authorization: `Bearer ${tokens.access_token}` } });
const claims = await oauth.validateJwtAccessToken(server, presented, resource, http);
console.log(
  JSON.stringify({
    errors: [...errors],
    scope: tokens.scope,
    refresh_token: tokens.refresh_token !== undefined,
    client: claims.client_id,
    again: await poll().catch((error) => error.error),
  }),
);
