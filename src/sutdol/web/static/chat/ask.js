// Asks a model, and reads its answer while it comes.
import { ask, Failed } from "../api.js";
import { t } from "../words.js";

// Returns what the head of the answer tells, and `pieces`, which are read as they come:
// { text, thinks, finish, tokens }, each only where it is told. `Failed` when the answer breaks off.
export async function asking({ model, content, conversation, signal }) {
  const body = { model, messages: [{ role: "user", content }], stream: true, stream_options: { include_usage: true } };
  const headers = conversation ? { "x-sutdol-conversation": conversation } : {};
  if (!conversation) body.store = true;
  const answer = await ask("POST", "/v1/chat/completions", { body, headers, signal });
  const told = (name) => answer.headers.get(name) ?? "";
  if (told("x-sutdol-guard").startsWith("blocked")) { // an answer of the server's own that says no
    await answer.body.cancel();
    throw new Failed(400, { code: "content_filter", message: t("The guard blocked this.") });
  }
  const request = told("x-request-id");
  const id = `msg_${request}`;
  return { conversation: told("x-sutdol-conversation"), question: `${id}_0`, id, pieces: read(answer) };
}

async function* read(answer) {
  let whole = false;
  for await (const data of events(answer.body.pipeThrough(new TextDecoderStream()))) {
    whole ||= data === "[DONE]"; // and on to the end: there the server has written it all down
    if (data === "[DONE]") continue;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Failed(200, chunk.error);
    const [choice] = chunk.choices ?? [], delta = choice?.delta ?? {};
    whole ||= Boolean(choice?.finish_reason);
    yield {
      text: delta.content ?? "", finish: choice?.finish_reason, tokens: chunk.usage?.completion_tokens,
      thinks: Boolean(delta.reasoning_content ?? delta.reasoning),
    };
  }
  if (!whole) throw new Failed(200, { code: "broken_off", message: t("The answer broke off.") });
}

// The data of server-sent events.
async function* events(stream) {
  const reader = stream.getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r/);
      rest = lines.pop();
      for (const line of lines) if (line.startsWith("data:")) yield line.slice(5).trim();
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failed(0, { code: "away", message: t("The server cannot be reached.") });
  } finally {
    reader.cancel().catch(() => {});
  }
}
