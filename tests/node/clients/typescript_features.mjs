// The official TypeScript client, any version, with a token in hand, using everything a server may offer beside
// plain tools: the tools, resources and prompts of the conformance suite.
//
// usage: node typescript_features.mjs PACKAGE URL TOKEN [http|sse|ws] [legacy|auto]
//
// Prints one JSON report, the same that the Python program prints. What a version does not know is null.

import { WebSocket } from "ws";

const [name, url, token, kind = "http", negotiation = "legacy"] = process.argv.slice(2);
const SECOND_GENERATION = name === "@modelcontextprotocol/client";
const headers = { Authorization: `Bearer ${token}` };
const modern = negotiation === "auto";

async function load() {
  if (SECOND_GENERATION) return import(name);
  const transports = { http: "client/streamableHttp.js", sse: "client/sse.js", ws: "client/websocket.js" };
  const modules = ["client/index.js", transports[kind], "types.js"];
  return Object.assign({}, ...(await Promise.all(modules.map((module) => import(`${name}/${module}`)))));
}

const sdk = await load();
const knowsForms = SECOND_GENERATION || "ElicitRequestSchema" in sdk;

function transport() {
  if (kind === "ws") {
    // Its transport has no way to send a header: only the socket that it makes has.
    globalThis.WebSocket = class extends WebSocket {
      constructor(address, protocols) {
        super(address, protocols, { headers });
      }
    };
    return new sdk.WebSocketClientTransport(new URL(url.replace("http", "ws")));
  }
  if (kind !== "sse") return new sdk.StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  const withHeaders = (address, init) => fetch(address, { ...init, headers: { ...init?.headers, ...headers } });
  return new sdk.SSEClientTransport(new URL(url), {
    requestInit: { headers },
    eventSourceInit: { fetch: withHeaders },
  });
}

const lines = [];
const progress = [];
let heard;
const change = new Promise((resolve) => (heard = resolve));

const capabilities = { sampling: {}, roots: {}, ...(knowsForms ? { elicitation: {} } : {}) };
const mode = negotiation;
const client = new sdk.Client({ name, version: "1" }, { capabilities, versionNegotiation: { mode } });

function handle(method, schema, handler) {
  if (SECOND_GENERATION) client.setRequestHandler(method, handler);
  else if (schema) client.setRequestHandler(schema, handler);
}

function hear(method, schema, handler) {
  if (SECOND_GENERATION) client.setNotificationHandler(method, handler);
  else client.setNotificationHandler(schema, handler);
}

handle("elicitation/create", sdk.ElicitRequestSchema, async ({ params }) => {
  const given = { name: "Alice", username: "alice", email: "a@contoso.example", ok: true };
  const wanted = Object.keys(params.requestedSchema.properties).filter((each) => each in given);
  return { action: "accept", content: Object.fromEntries(wanted.map((each) => [each, given[each]])) };
});
handle("sampling/createMessage", sdk.CreateMessageRequestSchema, async ({ params }) => {
  const [message] = params.messages;
  const block = Array.isArray(message.content) ? message.content[0] : message.content;
  return { role: "assistant", model: "tests", content: { type: "text", text: `echo ${block.text}` } };
});
handle("roots/list", sdk.ListRootsRequestSchema, async () => ({
  roots: [{ uri: "file:///work", name: "work" }],
}));
hear("notifications/message", sdk.LoggingMessageNotificationSchema, ({ params }) => void lines.push(params.data));
hear("notifications/tools/list_changed", sdk.ToolListChangedNotificationSchema, () => heard(true));

await client.connect(transport());

const text = (result) => result.content.map((block) => block.text ?? "").join("");
const meta = modern ? { _meta: { "io.modelcontextprotocol/logLevel": "debug" } } : {};
const call = (tool, args = {}, more = {}) => client.callTool({ name: tool, arguments: args, ...more });
const contents = (result) => result.contents[0].text ?? result.contents[0].blob;
const read = async (uri) => contents(await client.readResource({ uri }));

if (!modern) await client.setLoggingLevel("debug");
const onprogress = (report) => progress.push(report.progress);
const slowly = { name: "test_tool_with_progress", arguments: {} };
if (SECOND_GENERATION) await client.callTool(slowly, { onprogress });
else await client.callTool(slowly, undefined, { onprogress });
await call("test_tool_with_logging", {}, meta);
const mixed = await call("test_multiple_content_types");
const prompt = { name: "test_prompt_with_arguments", arguments: { arg1: "one", arg2: "two" } };
const reference = { type: "ref/prompt", name: "test_prompt_with_arguments" };

async function hearsAChange() {
  if (modern) {
    const subscription = await client.listen({ toolsListChanged: true });
    await call("test_trigger_tool_change");
    const outcome = await change;
    await subscription.close();
    return outcome;
  }
  await call("test_trigger_tool_change");
  return change;
}

const report = {
  protocol: client.getNegotiatedProtocolVersion?.() ?? null,
  progress,
  lines: lines.length,
  kinds: mixed.content.map((block) => block.type),
  elicited: knowsForms ? text(await call("test_elicitation", { message: "Who are you?" })) : null,
  sampled: text(await call("test_sampling", { prompt: "hello" })),
  roots: text(await call("test_input_required_result_list_roots")),
  several: knowsForms ? text(await call("test_input_required_result_multiple_inputs")) : null,
  resource: await read("test://static-text"),
  blob: (await read("test://static-binary")).slice(0, 6),
  template: JSON.parse(await read("test://template/123/data")).id,
  resources: (await client.listResources()).resources.some((each) => each.uri === "test://watched-resource"),
  templates: (await client.listResourceTemplates()).resourceTemplates.some(
    (each) => each.uriTemplate === "test://template/{id}/data",
  ),
  prompt: (await client.getPrompt(prompt)).messages[0].content.text,
  prompts: (await client.listPrompts()).prompts.some((each) => each.name === "test_simple_prompt"),
  completed: (await client.complete({ ref: reference, argument: { name: "arg1", value: "par" } })).completion.values,
  changed: await hearsAChange(),
};
console.log(JSON.stringify(report));
await client.close();
