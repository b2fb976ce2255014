// The loopback address where a browser brings the answer of a sign-in, for the client programs of this folder.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";

const DEADLINE_MILLISECONDS = 30_000;

/** Listen on a free port; `signIn(url)` opens the browser there and gives the answer's parameters. */
export async function listen(browser) {
  let answered;
  const server = createServer((request, response) => {
    response.end("Done.");
    answered(new URL(request.url, redirectUri).searchParams);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const redirectUri = `http://127.0.0.1:${server.address().port}/callback`;
  return {
    redirectUri,
    signIn(url) {
      spawn(browser, [String(url)], { stdio: "ignore" });
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("no answer from the browser")), DEADLINE_MILLISECONDS);
        answered = (parameters) => resolve((clearTimeout(timer), parameters));
      });
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
