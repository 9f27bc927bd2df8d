/** What one major version of the AI SDK makes of our streams: `node ai_sdk.mjs ai-v5 '{"scenario": "ask", …}'`. */

import { chatOf } from "./chat.mjs";

const [version, given] = process.argv.slice(2);
const ai = await import(version);
const options = JSON.parse(given);

const scenarios = {
  /** Ask as `useChat` does. */
  async ask() {
    const { chat, heard } = chatOf(ai, options);
    await chat.sendMessage({ text: options.question });
    return { status: chat.status, messages: chat.messages, ...heard };
  },

  /** Read with `readUIMessageStream`, as a program without a page does. */
  async read() {
    const { transport } = chatOf(ai, options);
    const stream = await transport.sendMessages({ ...requestOf(options), trigger: "submit-message" });
    const states = [];
    const onError = (error) => states.push({ error: String(error) });
    for await (const message of ai.readUIMessageStream({ stream, onError })) states.push(structuredClone(message));
    return { states: states.length, last: states.at(-1) };
  },

  /** Lose the network in the middle, and take the answer up again elsewhere, as a page does that is opened anew. */
  async resume() {
    const before = chatOf(ai, { ...options, broken: options.after });
    await before.chat.sendMessage({ text: options.question });
    const [question, partial] = before.chat.messages;
    const again = chatOf(ai, { ...options, url: options.elsewhere, messages: [question] });
    await again.chat.resumeStream();
    return { partial, errors: before.heard.errors, messages: again.chat.messages, status: again.chat.status };
  },

  /** Come back to a conversation in which nothing is being written. */
  async idle() {
    const { chat, heard } = chatOf(ai, options);
    await chat.resumeStream();
    return { status: chat.status, messages: chat.messages, ...heard };
  },

  /** Press "stop", here and at our door. */
  async stop() {
    const { chat, heard } = chatOf(ai, options);
    const asked = chat.sendMessage({ text: options.question });
    const hasBegun = () => chat.lastMessage?.role === "assistant" && chat.lastMessage.parts.some((part) => part.text);
    while (!hasBegun()) await new Promise((next) => setTimeout(next, 20));
    const headers = { Authorization: `Bearer ${options.token}`, "Content-Type": "application/json" };
    await fetch(`${options.url}/api/chat/${options.id}/stop`, { method: "POST", headers, body: "{}" });
    await asked;
    return { status: chat.status, messages: chat.messages, ...heard };
  },
};

function requestOf({ id, question }) {
  const message = { id: "m1", role: "user", parts: [{ type: "text", text: question }] };
  return { chatId: id, messages: [message] };
}

process.stdout.write(JSON.stringify(await scenarios[options.scenario]()));
