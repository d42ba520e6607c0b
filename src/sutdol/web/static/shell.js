// What every page does: language, colours, signing out, how much feedback waits.
import { get, may, remove } from "./api.js";
import { $, $$ } from "./dom.js";
import { failed } from "./talk.js";

const YEAR = 31536000;

function choose(name, value) {
  document.cookie = `sutdol_${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`;
}

for (const one of $$("[data-choice]")) {
  one.onchange = () => {
    choose(one.dataset.choice, one.value);
    if (one.dataset.choice === "language") location.reload();
    else document.documentElement.dataset.theme = one.value;
  };
}

const out = $('[data-do="sign-out"]');
if (out) out.onclick = async () => {
  try {
    await remove("/api/v1/sessions");
    location.assign("/sign-in");
  } catch (error) {
    failed(error);
  }
};

async function count() {
  const shown = $('[data-count="feedback"]');
  if (!shown || !may("reviewer")) return;
  const { waiting } = await get("/api/v1/feedback/counts");
  shown.textContent = waiting > 999 ? "999+" : waiting;
  shown.hidden = !waiting;
}
addEventListener("feedback", () => count().catch(() => {}));
count().catch(() => {});
