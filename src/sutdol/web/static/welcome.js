// The first admin: the token stands behind the # of the link, where no log sees it.
import { post } from "./api.js";
import { $ } from "./dom.js";
import { submits } from "./form.js";
import { t } from "./words.js";

const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

submits($("#welcome"), async ({ name, password, again }) => {
  if (password !== again) throw new Error(t("The two passwords differ."));
  await post("/api/v1/first-admin", { token, name, password });
  location.assign("/");
});
