"""Markdown of models as elements: in every form, harmless, quick, and the same while it comes."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.api.site import Site
from tests.databases import on_sqlite
from tests.web.conftest import Open

from sutdol.web import assets

RENDER = """async ([url, text]) => {
  const { render } = await import(url), box = document.createElement("div");
  box.append(render(text));
  for (const one of box.querySelectorAll("a")) {
    for (const name of ["target", "rel", "title"]) one.removeAttribute(name);
  }
  for (const one of box.querySelectorAll(".code")) one.replaceWith(one.querySelector("pre"));
  for (const one of box.querySelectorAll(".scroll")) one.replaceWith(...one.childNodes);
  for (const one of box.querySelectorAll("pre, input")) {
    one.toggleAttribute("checked", one.checked === true);
    for (const name of ["tabindex", "role", "aria-label", "type", "disabled"]) {
      one.removeAttribute(name);
    }
  }
  return box.innerHTML;
}"""

FORMS = json.loads((Path(__file__).parent / "markdown.json").read_text(encoding="utf-8"))
"""Texts, each with the elements that it becomes."""

PLANTED = [
    "<script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 1'>",
    "<svg onload='window.hit = 1'>",
    "<iframe srcdoc='<script>parent.hit = 1</script>'></iframe>",
    "[x](javascript:window.hit=1)",
    "[x](JaVaScRiPt:window.hit=1)",
    "[x](java\nscript:window.hit=1)",
    "[x](\x01javascript:window.hit=1)",
    "[x](javascript&#58;window.hit=1)",
    "[x](&#106;avascript:window.hit=1)",
    "[x](https:javascript:window.hit=1)",
    "[x](data:text/html,<script>parent.hit=1</script>)",
    "[x](vbscript:x) [x](file:///etc/passwd) [x](//evil.example) [x](\\\\evil.example)",
    "[x](<javascript:window.hit=1>) <javascript:window.hit=1> <data:text/html,x>",
    '[x](https://a.example "onclick=window.hit=1")',
    "[x](https://a.example\" onclick=\"window.hit=1)",
    "![x](https://evil.example/seen.png) ![x](data:image/svg+xml,<svg onload=hit()>)",
    "```html\n<script>window.hit = 1</script>\n```",
    "| <img src=x onerror=hit()> |\n|---|\n| <script>window.hit = 1</script> |",
    "[x]: javascript:window.hit=1\n\n[x] [x][x]",
    "&lt;script&gt;window.hit=1&lt;/script&gt;",
    "`<script>` **<script>window.hit=1</script>**",
    "<a href='javascript:window.hit=1'>x</a> <form action='//evil.example'><input name=a></form>",
    "https://a.example/\"onmouseover=\"window.hit=1 javascript:window.hit=1 http://[evil",
]  # fmt: skip

HOSTILE = [
    "*[`(`", "[", "[a](", "[a](http://", "](http://", "![", "[](", "[a](http://b)", "[[a](http://b)",
    "*", "_a", "**a *b ", "*a_", "a*", "*a", "**가", "가**(", "~~", "`", "`` ` ", "é", "😀*", "\\",
    "http://", "a://", "http://a/가", "<", "<http://", "<br", "&", ":", "(", ")", "\t", " ", "\n",
    "> ", ">", "- ", "-\n", "1. ", "  - a\n", "- [ ] ", "> - ", "#", "# #", "---\n", "a\n",
    "|", "|-", "-|\n", "| a ", "a\n|-|\n", "```\n", "~~~ a\n",
]  # fmt: skip

GROWN = """Intro to
# Heading
#not one

Some **bold** and `code`.
- a
- b

  c
1. x
   - y

> quote
> ```
> in it
> ```
lazy

```py
if a:

    b
```
after
| a | b |
|---|:-:|
| 1 | 2 |
---
2. no list

- [x] done
* other


\tend https://a.example *open"""

MANY = """async ([url, texts]) => {
  const { render, growing } = await import(url), bad = [];
  const allowed = "P A CODE PRE DIV SPAN BUTTON STRONG BR TABLE THEAD TBODY TR TH TD".split(" ");
  const look = (text, one) => {
    if (!allowed.includes(one.tagName)) bad.push([text, one.tagName]);
    for (const { name } of one.attributes) if (name.startsWith("on")) bad.push([text, name]);
    if (one.tagName !== "A") return;
    const { href, rel, target } = one;
    if (!/^(https?|mailto):/.test(href) || !href.includes("example")) bad.push([text, href]);
    if (rel !== "noopener noreferrer nofollow" || target !== "_blank") bad.push([text, rel]);
  };
  for (const text of texts) {
    const box = document.createElement("div"), grown = document.createElement("div");
    document.body.append(box, grown);
    box.append(render(text));
    const view = growing(grown);
    for (let end = 1; end <= text.length; end += 1) view.set(text.slice(0, end));
    for (const one of [...box.querySelectorAll("*"), ...grown.querySelectorAll("*")]) {
      look(text, one);
    }
    box.remove();
    grown.remove();
  }
  return [bad, window.hit ?? null];
}"""

SLOW = """async ([url, pieces, size]) => {
  const { render } = await import(url), slow = {};
  const deep = (node) => {
    let most = 0;
    for (let [one, level] = [node, 0]; one;) {
      most = Math.max(most, level);
      if (one.firstChild) { one = one.firstChild; level += 1; continue; }
      while (one && one !== node && !one.nextSibling) { one = one.parentNode; level -= 1; }
      one = one === node ? null : one.nextSibling;
    }
    return most;
  };
  for (const piece of pieces) {
    const text = piece.repeat(Math.ceil(size / piece.length));
    for (const one of [text, `x ${text}\\n\\nx`]) {
      let spent = Infinity, made = null;
      for (let tries = 3; tries && spent > 5000; tries -= 1) { // the machine is shared
        const begun = performance.now();
        made = render(one);
        spent = Math.min(spent, performance.now() - begun);
      }
      if (spent > 5000) slow[piece] = Math.round(spent);
      if (deep(made) > 100) slow[piece] = "deep";
    }
  }
  return slow;
}"""

GROWS = """async ([url, text]) => {
  const { render, growing } = await import(url), grown = document.createElement("div");
  const view = growing(grown), bad = [];
  let kept = null, same = 0;
  for (let end = 1; end <= text.length; end += 1) {
    const box = document.createElement("div"), part = text.slice(0, end);
    view.set(part);
    box.append(render(part));
    if (box.innerHTML !== grown.innerHTML) bad.push([part, grown.innerHTML]);
    same += kept === grown.firstChild;
    kept = grown.firstChild;
  }
  return [bad.slice(0, 2), same / text.length > 0.8];
}"""


@pytest.fixture
def page(site: Site, window: Open) -> Page:
    return window(site).go("/style")


def run(page: Page, code: str, *values: object) -> Any:
    return page.evaluate(code, [assets.url("chat/markdown.js"), *values])


@on_sqlite
def test_every_form(page: Page) -> None:
    found = {text: run(page, RENDER, text) for text, _ in FORMS}
    assert found == dict(FORMS)


@on_sqlite
def test_what_is_planted_does_nothing(page: Page) -> None:
    """The fixture fails for whatever leaves the host, and for violations of the policy."""
    assert run(page, MANY, PLANTED) == [[], None]


@on_sqlite
def test_hostile_texts_take_no_longer_than_others(page: Page) -> None:
    assert run(page, SLOW, HOSTILE, 200_000) == {}


@on_sqlite
def test_what_grows_looks_at_every_moment_as_if_it_were_whole(page: Page) -> None:
    """And what is done is not made again."""
    for text in (GROWN, GROWN.replace("\n", "\r\n")):
        assert run(page, GROWS, text) == [[], True]
