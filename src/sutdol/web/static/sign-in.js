// Signing in: the session is a cookie that no script sees.
import { get, post } from "./api.js";
import { $ } from "./dom.js";
import { submits } from "./form.js";
import { t } from "./words.js";

const wanted = new URLSearchParams(location.search).get("next") ?? "/";
// A path such as /.//elsewhere leads elsewhere when it is taken for an address of its own.
const next = URL.canParse(wanted, location.origin) ? new URL(wanted, location.origin).href : "/";
$("#plain").hidden = window.isSecureContext;

submits($("#sign-in"), async ({ name, password }) => {
  await post("/api/v1/sessions", { name, password });
  try {
    await get("/api/v1/sessions");
  } catch {
    throw new Error(t("The password is right, but your browser did not keep the session: this address is not HTTPS."));
  }
  location.assign(next.startsWith(`${location.origin}/`) ? next + (next.includes("#") ? "" : location.hash) : "/");
});
