"""Markdown of models as elements: in every form, harmless, quick, and the same while it comes."""

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

FORMS = [
    ("one\ntwo", "<p>one<br>two</p>"),
    ("one\n\n\ntwo", "<p>one</p><p>two</p>"),
    ("**굵게**는 *기울여*서 ***둘 다***를", "<p><strong>굵게</strong>는 <em>기울여</em>서 <em><strong>둘 다</strong></em>를</p>"),
    ("**숫돌(whetstone)**은 **'칼'**과 이**(가)**", "<p><strong>숫돌(whetstone)</strong>은 <strong>'칼'</strong>과 이<strong>(가)</strong></p>"),
    ("a_b_c _d_ __e__ snake_case_name", "<p>a_b_c <em>d</em> <strong>e</strong> snake_case_name</p>"),
    ("2 * 3 * 4 = 24 ** no ** f*(x)", "<p>2 * 3 * 4 = 24 ** no ** f*(x)</p>"),
    ("~~gone~~ 1~2 ~~~", "<p><del>gone</del> 1~2 ~~~</p>"),
    ("*a **b* c**", "<p><em>a <em><em>b</em> c</em></em></p>"),
    ("**a *b** c*", "<p><em><em>a <em>b</em></em> c</em></p>"),
    ("`a*b*` `` ` `` `open", "<p><code>a*b*</code> <code>`</code> `open</p>"),
    (r"\*not\* \# 5 \a", r"<p>*not* # 5 \a</p>"),
    ("# A\n### B\n## C\n#no\n# D #", "<h3>A</h3><h4>B</h4><h4>C</h4><p>#no</p><h3>D</h3>"),
    ("#### deep first", "<h3>deep first</h3>"),
    ("a\n---\nb\n***", "<p>a</p><hr><p>b</p><hr>"),
    ("> a\n> > b\nlazy\n\nc", "<blockquote><p>a</p><blockquote><p>b<br>lazy</p></blockquote></blockquote><p>c</p>"),
    ("- a\n- b\n  - c\n\n    d\n- e", "<ul><li>a</li><li>b<ul><li><p>c</p><p>d</p></li></ul></li><li>e</li></ul>"),
    ("3. a\n4. b\n\ntext", '<ol start="3"><li>a</li><li>b</li></ol><p>text</p>'),
    ("1. a\n  - b\n2. c", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
    ("- a\n\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
    ("- [x] a\n- [ ] b", '<ul><li class="task"><input checked="">a</li><li class="task"><input>b</li></ul>'),
    ("in 1998. It\n1999. was so", "<p>in 1998. It<br>1999. was so</p>"),
    ("1. a\n   ```sh\n   b\n   ```\n2. c", "<ol><li>a<pre><code>b</code></pre></li><li>c</li></ol>"),
    ("```js\na\n\n  b <c>\n```\nd", "<pre><code>a\n\n  b &lt;c&gt;</code></pre><p>d</p>"),
    ("```\nopen\n*a*", "<pre><code>open\n*a*</code></pre>"),
    ("````\n```\n````\n~~~\n\tx\n~~~", "<pre><code>```</code></pre><pre><code>\tx</code></pre>"),
    ("|a|b|\n|:-:|--:|\n|1|2\\|3|\n|4|\n\nx", '<table><thead><tr><th class="middle" scope="col">a</th><th class="end" scope="col">b</th></tr></thead><tbody><tr><td class="middle">1</td><td class="end">2|3</td></tr><tr><td class="middle">4</td><td class="end"></td></tr></tbody></table><p>x</p>'),
    ("to\n|  | b |\n|---|---|\n| **x** | y<br>z |", '<p>to</p><table><thead><tr><td></td><th scope="col">b</th></tr></thead><tbody><tr><td><strong>x</strong></td><td>y<br>z</td></tr></tbody></table>'),
    ("[a *b*](https://a.example/x_(y) \"t\") [c](mailto:a@b.c)", '<p><a href="https://a.example/x_(y)">a <em>b</em></a> <a href="mailto:a@b.c">c</a></p>'),
    ("[a](/b) [c] [d][e] ![]() [](https://a.example)", '<p>[a](/b) [c] [d][e] ![]() <a href="https://a.example/">https://a.example</a></p>'),
    ("![picture](https://a.example/b.png)", '<p><a href="https://a.example/b.png">picture</a></p>'),
    ("[![x](https://a.example/x)](https://b.example)", '<p>[<a href="https://a.example/x">x</a>](<a href="https://b.example/">https://b.example</a>)</p>'),
    ("see https://a.example/b(c), **https://b.example**.", '<p>see <a href="https://a.example/b(c)">https://a.example/b(c)</a>, <strong><a href="https://b.example/">https://b.example</a></strong>.</p>'),
    ("https://a.example에서 http://a.example/wiki/숫돌 <https://b.example/?a=b>", '<p><a href="https://a.example/">https://a.example</a>에서 <a href="http://a.example/wiki/%EC%88%AB%EB%8F%8C">http://a.example/wiki/숫돌</a> <a href="https://b.example/?a=b">https://b.example/?a=b</a></p>'),
    ("[https://a.example](https://b.example)", '<p><a href="https://b.example/">https://a.example</a></p>'),
    ("<b>x</b> <br> &lt; &amp; <!-- c -->", "<p>&lt;b&gt;x&lt;/b&gt; &lt;br&gt; &amp;lt; &amp;amp; &lt;!-- c --&gt;</p>"),
    ("a  \nb\\\nc", "<p>a<br>b<br>c</p>"),
    ("\r\na\r\nb\r\n\r\n", "<p>a<br>b</p>"),
    ("", ""),
]  # fmt: skip

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
    "*[`(`", "[", "[a](", "[a](http://", "](http://", "![", "*", "_a", "**a *b ", "*a_", "~~", "`", "`` ` ", "> ", ">",
    "- ", "-\n", "1. ", "  - a\n", "#", "# #", "|", "|-", "-|\n", "| a ", "---\n", "<", "<http://", "http://", "a://",
    "http://a/가", "\\", "\t", " ", "\n", "a\n", "```\n", "~~~ a\n", "a*", "*a", "**가", "(", ")", "[](", "가**(", "&",
    ":", "<br", "- [ ] ", "> - ", "a\n|-|\n", "[a](http://b)", "[[a](http://b)", "é", "😀*",
]  # fmt: skip

GROWN = """Intro to\n# Heading\n#not one\n\nSome **bold** and `code`.\n- a\n- b\n\n  c\n1. x\n   - y\n
> quote\n> ```\n> in it\n> ```\nlazy\n\n```py\nif a:\n\n    b\n```\nafter\n| a | b |\n|---|:-:|\n| 1 | 2 |
---\n2. no list\n\n- [x] done\n* other\n\n\n\tend https://a.example *open"""


@pytest.fixture
def page(site: Site, window: Open) -> Page:
    return window(site).go("/style")


def rendered(page: Page, text: str) -> str:
    found: Any = page.evaluate(RENDER, [assets.url("markdown.js"), text])
    return str(found)


@on_sqlite
def test_every_form(page: Page) -> None:
    wrong = {}
    for text, expected in FORMS:
        found = rendered(page, text)
        if found != expected:
            wrong[text] = found
    assert wrong == {}


@on_sqlite
def test_what_is_planted_does_nothing(page: Page) -> None:
    """The fixture fails for whatever leaves the host, and for violations of the policy."""
    ran = """async ([url, texts]) => {
      const { render, growing } = await import(url), bad = [];
      for (const text of texts) {
        const box = document.createElement("div"), grown = document.createElement("div");
        document.body.append(box, grown);
        box.append(render(text));
        const view = growing(grown);
        for (let end = 1; end <= text.length; end += 1) view.set(text.slice(0, end));
        view.end(text);
        for (const one of document.querySelectorAll("body > div *")) {
          const allowed = ["P", "A", "CODE", "PRE", "DIV", "SPAN", "BUTTON", "STRONG", "BR", "TABLE", "THEAD",
            "TBODY", "TR", "TH", "TD"];
          if (!one.closest("#toasts") && !allowed.includes(one.tagName)) bad.push([text, one.tagName]);
          for (const { name } of one.attributes) if (name.startsWith("on")) bad.push([text, name]);
          if (one.href && !/^(https?:\\/\\/|mailto:)/.test(one.href)) bad.push([text, one.href]);
          if (one.href && (one.rel !== "noopener noreferrer nofollow" || one.target !== "_blank")) bad.push(text);
        }
        for (const one of box.querySelectorAll("a")) if (!one.href.includes("example")) bad.push([text, one.href]);
        box.remove(); grown.remove();
      }
      return [bad, window.hit ?? null];
    }"""
    assert page.evaluate(ran, [assets.url("markdown.js"), PLANTED]) == [[], None]


@on_sqlite
def test_hostile_texts_take_no_longer_than_others(page: Page) -> None:
    ran = """async ([url, pieces, size]) => {
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
          for (let tries = 3; tries && spent > 1000; tries -= 1) { // the machine is shared
            const begun = performance.now();
            made = render(one);
            spent = Math.min(spent, performance.now() - begun);
          }
          if (spent > 1000) slow[piece] = Math.max(slow[piece] ?? 0, Math.round(spent));
          if (deep(made) > 100) slow[piece] = "deep";
        }
      }
      return slow;
    }"""
    assert page.evaluate(ran, [assets.url("markdown.js"), HOSTILE, 200_000]) == {}


@on_sqlite
def test_what_grows_looks_at_every_moment_as_if_it_were_whole(page: Page) -> None:
    ran = """async ([url, text]) => {
      const { render, growing } = await import(url), grown = document.createElement("div"), bad = [];
      const view = growing(grown);
      let kept = null, same = 0;
      for (let end = 1; end <= text.length; end += 1) {
        const box = document.createElement("div");
        view.set(text.slice(0, end));
        box.append(render(text.slice(0, end)));
        if (box.innerHTML !== grown.innerHTML) bad.push([text.slice(0, end), grown.innerHTML]);
        same += kept === grown.firstChild;
        kept = grown.firstChild;
      }
      return [bad.slice(0, 2), same / text.length > 0.8];
    }"""
    for text in (GROWN, GROWN.replace("\n", "\r\n")):
        assert page.evaluate(ran, [assets.url("markdown.js"), text]) == [[], True]
