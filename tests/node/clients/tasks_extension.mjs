// The published client of the tasks extension, on the TypeScript client of the second generation, with a token in
// hand: it calls tools that become tasks, answers what they ask, cancels one, and comes back for another.
//
// usage: node tasks_extension.mjs URL TOKEN
//
// Prints one JSON report. The extension's package leaves it to its user to send requests: fetch does it here.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createTaskSessionFromClient, resultFromTaskOutcome } from "@modelcontextprotocol/ext-tasks/client";

const [url, token] = process.argv.slice(2);
const protocolVersion = "2026-07-28";
const clientInfo = { name: "tasks", version: "1" };
const clientCapabilities = { elicitation: { form: {} }, extensions: { "io.modelcontextprotocol/tasks": {} } };
const headers = { Authorization: `Bearer ${token}` };
let lastId = 0;

async function rawDispatch(request) {
  const { params } = request;
  const response = await fetch(url, {
    method: "POST",
    headers: {
      ...headers,
      Accept: "application/json, text/event-stream",
      "Content-Type": "application/json",
      "MCP-Protocol-Version": protocolVersion,
      "Mcp-Method": request.method,
      "Mcp-Name": params.taskId ?? params.name,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: ++lastId, ...request }),
  });
  const answer = await response.json();
  return answer.error ? { kind: "error", error: answer.error } : { kind: "result", result: answer.result };
}

async function session(onInputRequest) {
  const mode = "auto";
  const client = new Client(clientInfo, { capabilities: clientCapabilities, versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  const tasks = createTaskSessionFromClient(client, {
    endpointId: "tests",
    rawDispatch,
    v2RequestFraming: { protocolVersion, clientInfo, clientCapabilities },
    onInputRequest,
  });
  return { client, tasks };
}

const asked = [];
const { client, tasks } = await session(async ({ kind, params }, { scope, delivery }) => {
  asked.push([kind, scope, delivery, params.message]);
  return { action: "accept", content: { name: `answer ${asked.length}` } };
});
const seen = new Set();
const onEvent = ({ type, task }) => type === "task" && seen.add(task.status);

async function text(name, params) {
  const execution = await tasks.callTool(name, params);
  const { outcome } = await execution.settle({ onEvent });
  return [execution.kind, outcome.status, outcome.result?.content?.[0]?.text ?? outcome.error?.message];
}

const report = {
  atOnce: await text("at_once", {}),
  tool: await text("failing", { how: "tool" }),
  request: await text("failing", { how: "request" }),
  asking: await text("ask_before", {}),
};
report.asked = asked;

const cancelled = await tasks.callTool("asking", {});
await cancelled.cancel();
report.cancelled = (await cancelled.result()).status;

// Another process would come back with the reference.
const left = await tasks.callTool("failing", { how: "tool" });
let reference;
await left.handoff((each) => void (reference = JSON.parse(JSON.stringify(each))));
await tasks.close();
await client.close();
const later = await session(async () => ({ action: "cancel" }));
const resumed = await later.tasks.resumeTask(reference);
report.resumed = resultFromTaskOutcome(await resumed.result()).content[0].text;
await later.tasks.close();
await later.client.close();
report.seen = [...seen].sort();
console.log(JSON.stringify(report));
