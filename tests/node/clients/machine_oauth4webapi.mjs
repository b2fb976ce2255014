// A certified OAuth client library as a daemon and as a resource server that asks about its token.
//
// usage: node machine_oauth4webapi.mjs ISSUER RESOURCE CLIENT_ID client_secret_basic|private_key_jwt PROOF
//
// PROOF is the secret, or the PEM file of the private key. Prints one JSON report.

import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";

import * as oauth from "oauth4webapi";

const [issuerUrl, resource, clientId, method, proof] = process.argv.slice(2);
const http = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(issuerUrl);
const discovered = await oauth.discoveryRequest(issuer, { ...http, algorithm: "oauth2" });
const server = await oauth.processDiscoveryResponse(issuer, discovered);
const client = { client_id: clientId };

async function authentication() {
  if (method === "client_secret_basic") return oauth.ClientSecretBasic(proof);
  const pkcs8 = createPrivateKey(readFileSync(proof)).export({ type: "pkcs8", format: "der" });
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
  return oauth.PrivateKeyJwt({ key, kid: "daemon-1" });
}

const auth = await authentication();
const parameters = new URLSearchParams({ resource });
const answer = await oauth.clientCredentialsGrantRequest(server, client, auth, parameters, http);
const tokens = await oauth.processClientCredentialsResponse(server, client, answer);

const presented = new Request(resource, { headers: { authorization: `Bearer ${tokens.access_token}` } });
const claims = await oauth.validateJwtAccessToken(server, presented, resource, http);

async function introspect(token) {
  const said = await oauth.introspectionRequest(server, client, auth, token, http);
  return oauth.processIntrospectionResponse(server, client, said);
}

const good = await introspect(tokens.access_token);
await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, auth, tokens.access_token, http));
const revoked = await introspect(tokens.access_token);
console.log(
  JSON.stringify({
    scope: tokens.scope,
    refresh_token: tokens.refresh_token ?? null,
    sub: claims.sub,
    introspected: {
      active: good.active,
      sub: good.sub,
      aud: good.aud,
      client_id: good.client_id,
      same: good.jti === claims.jti && good.exp === claims.exp,
    },
    revoked,
    unknown: await introspect("not.a.token"),
  }),
);
