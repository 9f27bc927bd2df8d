/**
 * Reads our streams with one major version of the AI SDK: `node ai_sdk.mjs ai-v5`.
 * Each line of input is a scenario with its options, `{"scenario": "ask", …}`; each line of output is its result.
 */

import { createInterface } from "node:readline";
import { createChat } from "./chat.mjs";

const ai = await import(process.argv[2]);
let options;

const scenarios = {
  /** Send a message as `useChat` does. */
  async ask() {
    const { chat, received } = createChat(ai, options);
    await chat.sendMessage({ text: options.question });
    return { status: chat.status, messages: chat.messages, ...received };
  },

  /** Read with `readUIMessageStream`, without a chat object. */
  async read() {
    const { transport } = createChat(ai, options);
    const stream = await transport.sendMessages({ ...requestOf(options), trigger: "submit-message" });
    const states = [];
    const onError = (error) => states.push({ error: String(error) });
    for await (const message of ai.readUIMessageStream({ stream, onError })) states.push(structuredClone(message));
    return { states: states.length, last: states.at(-1) };
  },

  /** Lose the connection in the middle, then resume on another instance as a reloaded page does. */
  async resume() {
    const before = createChat(ai, { ...options, broken: options.after });
    await before.chat.sendMessage({ text: options.question });
    const [question, partial] = before.chat.messages;
    const again = createChat(ai, { ...options, url: options.elsewhere, messages: [question] });
    await again.chat.resumeStream();
    return { partial, errors: before.received.errors, messages: again.chat.messages, status: again.chat.status };
  },

  /** Ask questions, then do the `steps` of a person who is not content: `{regenerate}`, `{edit, text}` by position. */
  async revise() {
    const { chat, received } = createChat(ai, options);
    for (const question of options.questions) await chat.sendMessage({ text: question });
    const asked = chat.messages.map(({ id }) => id);
    for (const { regenerate, edit, text } of options.steps) {
      if (edit !== undefined) await chat.sendMessage({ text, messageId: asked[edit] });
      else await chat.regenerate(regenerate === null ? {} : { messageId: asked[regenerate] });
    }
    return { asked, status: chat.status, messages: chat.messages, ...received };
  },

  /** Load the stored messages, as a page that is opened again, and go on with `regenerate()`. */
  async reopen() {
    const headers = { Authorization: `Bearer ${options.token}` };
    const stored = await fetch(`${options.url}/api/chat/history?conversationId=${options.id}&format=ui`, { headers });
    const { messages } = await stored.json();
    const { chat, received } = createChat(ai, { ...options, messages: structuredClone(messages) });
    await chat.regenerate();
    return { stored: messages, status: chat.status, messages: chat.messages, ...received };
  },

  /** Send a message with file parts. */
  async attach() {
    const { chat, received } = createChat(ai, options);
    const files = options.files.map((file) => ({ type: "file", mediaType: "application/pdf", ...file }));
    await chat.sendMessage({ text: options.question, files });
    return { status: chat.status, messages: chat.messages, ...received };
  },

  /** Close the stream with `stop()`, then ask for another answer at once. */
  async stop_and_regenerate() {
    const { chat, received } = createChat(ai, options);
    const finished = chat.sendMessage({ text: options.question });
    while (!chat.lastMessage?.parts?.some((part) => part.text && chat.lastMessage.role === "assistant"))
      await new Promise((next) => setTimeout(next, 20));
    await chat.stop();
    await finished;
    await chat.regenerate();
    return { status: chat.status, messages: chat.messages, ...received };
  },

  /** Resume a conversation without a pending answer. */
  async idle() {
    const { chat, received } = createChat(ai, options);
    await chat.resumeStream();
    return { status: chat.status, messages: chat.messages, ...received };
  },

  /** Stop the answer with `POST …/stop`. */
  async stop() {
    const { chat, received } = createChat(ai, options);
    const finished = chat.sendMessage({ text: options.question });
    const hasText = () => chat.lastMessage?.role === "assistant" && chat.lastMessage.parts.some((part) => part.text);
    while (!hasText()) await new Promise((next) => setTimeout(next, 20));
    const headers = { Authorization: `Bearer ${options.token}`, "Content-Type": "application/json" };
    await fetch(`${options.url}/api/chat/${options.id}/stop`, { method: "POST", headers, body: "{}" });
    await finished;
    return { status: chat.status, messages: chat.messages, ...received };
  },
};

function requestOf({ id, question }) {
  const message = { id: "m1", role: "user", parts: [{ type: "text", text: question }] };
  return { chatId: id, messages: [message] };
}

for await (const line of createInterface({ input: process.stdin })) {
  options = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await scenarios[options.scenario]())}\n`);
}
