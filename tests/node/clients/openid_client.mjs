// The certified client most Node applications use, given nothing but the issuer.
//
// usage: node openid_client.mjs ISSUER RESOURCE BROWSER [oauth2|oidc]
//
// Prints one JSON report. The library registers itself, checks metadata, state, issuer and token responses.

import * as oidc from "openid-client";

import { listen } from "./loopback.mjs";

const [issuer, resource, browser, algorithm = "oidc"] = process.argv.slice(2);
const callback = await listen(browser);
const configuration = await oidc.dynamicClientRegistration(
  new URL(issuer),
  {
    client_name: "openid-client",
    redirect_uris: [callback.redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_basic",
  },
  undefined,
  { algorithm, execute: [oidc.allowInsecureRequests] },
);

const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
const expectedState = oidc.randomState();
const address = oidc.buildAuthorizationUrl(configuration, {
  redirect_uri: callback.redirectUri,
  scope: "mcp:tools offline_access",
  prompt: "consent",
  resource,
  state: expectedState,
  code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
});
const answer = await callback.signIn(address);
const tokens = await oidc.authorizationCodeGrant(
  configuration,
  new URL(`${callback.redirectUri}?${answer}`),
  { pkceCodeVerifier, expectedState },
  { resource },
);
const refreshed = await oidc.refreshTokenGrant(configuration, tokens.refresh_token, { resource });
await oidc.tokenRevocation(configuration, refreshed.refresh_token);
const afterwards = await oidc.refreshTokenGrant(configuration, refreshed.refresh_token, { resource }).catch((e) => e);

console.log(
  JSON.stringify({
    issuer: configuration.serverMetadata().issuer,
    pkce: configuration.serverMetadata().supportsPKCE(),
    lifetime_seconds: tokens.expires_in,
    scope: tokens.scope.split(" "),
    rotated: refreshed.refresh_token !== tokens.refresh_token,
    after_revocation: afterwards.error,
  }),
);
callback.close();
