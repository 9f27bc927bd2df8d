/** A page of another origin with `useChat`, written as docs/clients.md says for visitors. Its address has `base` and `id`. */

import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

const { base, id } = Object.fromEntries(new URLSearchParams(location.search));
const credentials = "include";

async function csrfHeaders() {
  const { csrfToken } = await (await fetch(`${base}/api/chat/csrf`, { credentials })).json();
  return { "X-CSRFToken": csrfToken };
}

async function storedMessages() {
  const stored = await fetch(`${base}/api/chat/history?conversationId=${id}&format=ui`, { credentials });
  return stored.ok ? (await stored.json()).messages : []; // 404: a new conversation
}

function Conversation({ headers, stored }) {
  const [text, setText] = useState("");
  const [files, setFiles] = useState();
  const { messages, sendMessage, regenerate, stop, status, error } = useChat({
    id,
    messages: stored,
    resume: true,
    transport: new DefaultChatTransport({
      api: `${base}/api/chat/stream`,
      credentials,
      headers,
      // The server has the others. With all of them, a file would be sent again with each question.
      prepareSendMessagesRequest: ({ messages, ...request }) => ({
        body: { ...request.body, id, messages: messages.slice(-1), trigger: request.trigger, messageId: request.messageId },
      }),
      prepareReconnectToStreamRequest: ({ id }) => ({ api: `${base}/api/chat/${id}/stream`, credentials }),
    }),
  });
  const send = (event) => {
    event.preventDefault();
    sendMessage({ text, files });
    event.target.reset();
    setText("");
    setFiles();
  };
  const stopAnswer = () => {
    stop();
    fetch(`${base}/api/chat/${id}/stop`, { method: "POST", credentials, headers });
  };
  return (
    <>
      {messages.map((message) => <Message key={message.id} {...message} />)}
      {error && <p role="alert">{wordsOf(error)}</p>}
      <form onSubmit={send}>
        <input aria-label="Question" value={text} onChange={(event) => setText(event.target.value)} />
        <input aria-label="File" type="file" onChange={(event) => setFiles(event.target.files)} />
        <button>Send</button>
        <button type="button" onClick={stopAnswer}>Stop</button>
        <button type="button" onClick={() => regenerate()}>Regenerate</button>
      </form>
      <output>{status}</output>
    </>
  );
}

/** The server's words, if it has replied. */
function wordsOf({ message }) {
  try {
    return JSON.parse(message).detail;
  } catch {
    return "No connection"; // the browser's message is for developers
  }
}

function Message({ id, role, parts, metadata }) {
  return (
    <article id={id} className={role} data-ending={metadata?.ending}>
      {parts.map((part, index) => {
        if (part.type === "text") return <p key={index}>{part.text}</p>;
        if (part.type === "source-url") return <a key={index} href={part.url}>{part.title}</a>;
        if (part.type === "data-notice") return <strong key={index}>{part.data.text}</strong>;
      })}
    </article>
  );
}

const [headers, stored] = [await csrfHeaders(), await storedMessages()];
createRoot(document.body.appendChild(document.createElement("main"))).render(
  <StrictMode><Conversation headers={headers} stored={stored} /></StrictMode>,
);
