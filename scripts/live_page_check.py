"""Looks at the live page in a real browser; run by LivePageTests, which starts the servers, and kills and revives them.

usage: live_page_check.py TOUR URL APPS MASTER REPLICA…

TOUR is one of: whole, many, token (LIVE_PAGE_TOKEN=token), trouble, leader, sentinel, keys. LIVE_PAGE_IMAGES=folder has pictures written there.

Lines on stdout tell the test what was seen and when (seconds since 1970), and what it has to do next ("please: …"); the
last one is "done". Anything that is not as it should be ends the program with a message and exit code 1.
"""

import json
import os
import re
import sys
import time

from playwright.sync_api import expect, sync_playwright

HOSTILE = (
    "<script>window.hacked=1</script><img src=x onerror=\"window.hacked=2\">"
    "<svg onload='window.hacked=3'></svg></pre>{nonce} & \"quotes\" é😀"
)
# What browsers and proxies make something else of, as long as it is in a path.
KEYS = [
    "a/../b", "a/./b", "..", ".", "../..", "/", "//", "/a", "a/", "a//b", "%2e%2e", "%2e%2e/x", "%", "%zz", "%00", "?",
    "a?b=c", "#", "a#b", "&key=x", "+", "a+b", " ", "  two  spaces ", "a b", "\\", "a\\..\\b", ";", "é", "😀", "\u202eabc",
    "\"", "'", "<b>", "{nonce}", "k" * 1000, "k/../" * 400, "long" * 5000,
]  # fmt: skip
WATCH = """
addEventListener('securitypolicyviolation', event => {
  (window.violations ||= []).push(event.violatedDirective + ' ' + event.blockedURI);
});
"""
# The contrast of each text and each border that can be seen with what is behind it (WCAG 2.2, 1.4.3 and 1.4.11).
CONTRAST = """
() => {
  const parse = text => {
    const parts = text.match(/[\\d.]+/g).map(Number);
    return { r: parts[0], g: parts[1], b: parts[2], a: parts.length > 3 ? parts[3] : 1 };
  };
  const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = color => 0.2126 * channel(color.r) + 0.7152 * channel(color.g) + 0.0722 * channel(color.b);
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.a > 0.99) return color;
      if (color.a > 0) throw new Error('half transparent: ' + at.id + ' ' + at.className);
    }
    return parse('rgb(255, 255, 255)');
  };
  const name = element => element.tagName + '#' + element.id + '.' + element.getAttribute('class');
  const poor = [];
  let texts = 0, borders = 0, strokes = 0;
  for (const element of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(element);
    if (!element.checkVisibility({ visibilityProperty: true }) || element.closest('.hidden')) continue;
    for (let at = element; at; at = at.parentElement) {
      if (Number(getComputedStyle(at).opacity) < 1) poor.push(name(at) + ' is faded');
    }
    if ([...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) {
      texts += 1;
      const size = parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const found = ratio(parse(style.color), ground(element));
      if (found < (isLarge ? 3 : 4.5)) poor.push(name(element) + ' text ' + found.toFixed(2));
    }
    for (const side of ['Top', 'Right', 'Bottom', 'Left']) {
      if (style[`border${side}Style`] === 'none' || parseFloat(style[`border${side}Width`]) === 0) continue;
      borders += 1;
      const color = parse(style[`border${side}Color`]);
      const found = ratio(color, ground(element.parentElement));
      // A button is known by its background, too.
      const own = ratio(ground(element), ground(element.parentElement));
      if (Math.max(found, own) < 3) poor.push(`${name(element)} border ${side} ${found.toFixed(2)}`);
    }
    if (element instanceof SVGElement && style.stroke !== 'none' && element.getAttribute('d') !== '') {
      if (element.tagName !== 'path' && element.tagName !== 'line') continue;
      strokes += 1;
      const found = ratio(parse(style.stroke), ground(element.closest('div, li')));
      if (found < 3) poor.push(name(element) + ' stroke ' + found.toFixed(2));
    }
  }
  return { poor, texts, borders, strokes };
}
"""


def say(text):
    print(f"{time.time():.3f} {text}", flush=True)


class Visitor:
    """One browser tab, and everything that it complained about."""

    def __init__(self, browser, url, replicas, **options):
        self.url = url
        self.replicas = replicas
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints = []
        self.requests = []
        self.page.on("console", self.note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script(WATCH)
        self.page.goto(url)

    def note(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def node(self, name):
        return self.page.locator(".node", has=self.page.get_by_text(name, exact=True))

    def state(self, name):
        return self.node(name).locator(".pill")

    def fact(self, server, name):
        """What a card says of one thing."""
        return self.node(server).locator(f"dt:text-is('{name}') + dd")

    def figure(self, name):
        return self.page.locator("#figures div", has=self.page.get_by_text(name, exact=True)).locator("dd")

    def wait_until_up(self):
        for replica in self.replicas:
            expect(self.state(replica)).to_have_text("up", timeout=20000)
        expect(self.page.locator("#connection")).to_contain_text("events from")
        self.wait_for_title("✓ all well")

    def wait_for_title(self, beginning, timeout=20000):
        expect(self.page).to_have_title(
            re.compile("^" + re.escape(beginning) + ".* – Key-value service$"), timeout=timeout
        )

    def click(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()
        expect(self.page.locator("#result[aria-busy=true]")).to_have_count(0)

    def write_key(self, key):
        self.page.get_by_role("textbox", name="Key", exact=True).fill(key)

    def expect_outcome(self, text):
        expect(self.page.locator("#outcome")).to_have_text(text)

    def set(self, key, value):
        self.write_key(key)
        self.page.get_by_role("textbox", name="Value", exact=True).fill(value)
        self.click("Set")
        self.expect_outcome("stored")

    def get(self):
        self.click("Get")
        outcome = self.page.locator("#outcome").text_content()
        assert self.page.locator("#shown").is_visible(), outcome

    def value(self):
        return self.page.locator("#shown").text_content()

    def scrolls_sideways(self):
        return self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

    def check_contrast(self, what):
        found = self.page.evaluate(CONTRAST)
        assert not found["poor"], f"{what}: {found['poor']}"
        assert found["texts"] > 40 and found["borders"] > 40 and found["strokes"] >= 2, f"{what}: {found}"

    def shoot(self, name):
        if folder := os.environ.get("LIVE_PAGE_IMAGES"):
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    def close(self):
        hacked = self.page.evaluate("window.hacked")
        violations = self.page.evaluate("window.violations || []")
        self.context.close()
        assert hacked is None, f"a value ran as a script: {hacked}"
        assert not violations, f"the policy was violated: {violations}"
        assert not self.complaints, f"the browser complains: {self.complaints}"


def sets_and_gets(visitor):
    visitor.wait_until_up()
    visitor.set("page/key é", "first value")
    visitor.get()
    assert visitor.value() == "first value", visitor.value()
    visitor.expect_outcome("satisfied")
    expect(visitor.page.locator("#meaning")).to_contain_text("has your last write")
    expect(visitor.page.locator("#served")).to_contain_text("Answered by the ")
    visitor.click("Delete")
    visitor.expect_outcome("deleted")
    visitor.click("Get")
    visitor.expect_outcome("key-not-found")
    # To the browser's console that answer is an error.
    visitor.complaints[:] = [text for text in visitor.complaints if "404" not in text]
    say("set, got, and the verdict is satisfied; deleted, and it is gone")


def hostile_values(visitor):
    visitor.set("hostile", HOSTILE)
    visitor.get()
    assert visitor.value() == HOSTILE, visitor.value()
    assert visitor.page.locator("#shown *").count() == 0, "the value became elements"
    visitor.set("<img src=x onerror=window.hacked=4>", "x")
    visitor.get()
    say("markup in a key and a value is text")


def spreads_reads(visitor, apps):
    visitor.click("Read ten times")
    visitor.page.get_by_label("Read continuously").check()
    counts = visitor.page.locator("#bars li")
    expect(counts).to_have_count(apps + len(visitor.replicas), timeout=15000)
    expect(visitor.page.locator(".node.app")).to_have_count(apps, timeout=15000)
    say("reads are spread over every app and replica")


def replica_dies(visitor):
    victim = visitor.replicas[0]
    state = visitor.state(victim)
    say("please: kill the first replica")
    expect(state).to_have_class(re.compile("bad"), timeout=20000)
    say(f"away: {state.text_content()}")
    visitor.wait_for_title("▲ 1 of ")
    expect(visitor.page.locator("#events li").first).to_contain_text(victim)
    expect(visitor.state(visitor.replicas[1])).to_have_text("up")


def replica_comes_back(visitor):
    say("please: start the first replica")
    visitor.wait_until_up()
    say("back")
    # How long it was away is the app's to say: it has noted it, page or no page.
    expect(visitor.page.locator("#events li", has_text=re.compile(r"for \d+ ")).first).to_contain_text(
        visitor.replicas[0]
    )


def keyboard_reaches_everything(visitor):
    wanted = ["key", "value", "set", "get", "delete", "ten", "go-on"]
    visitor.page.locator("body").click(position={"x": 2, "y": 2})
    reached = []
    for _ in range(40):
        visitor.page.keyboard.press("Tab")
        reached.append(visitor.page.evaluate("document.activeElement.id"))
        ring = visitor.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring != "none" or reached[-1] == "", f"{reached[-1]} has no ring when it has the focus"
    assert [name for name in reached if name in wanted][: len(wanted)] == wanted, f"Tab reaches {reached}"
    visitor.page.locator("#key").focus()
    visitor.page.keyboard.press("Enter")
    visitor.expect_outcome("stored")
    # A chart is a table, too.
    summary = visitor.page.locator("summary").first
    summary.focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator("details[open] tbody tr").first).to_be_visible()
    say("the keyboard is enough")


def is_told_without_eyes(visitor):
    """What a screen reader gets: landmarks with names, the verdict as a status, and nothing said by a picture alone."""
    page = visitor.page
    expect(page.get_by_role("status").first).to_have_text("All well")
    for name in ("How it stands", "Apps and servers", "The last five minutes", "What happened"):
        expect(page.get_by_role("region", name=name)).to_have_count(1)
    for name in ("Reads", "Writes", "Lag of each replica", "Errors"):
        picture = page.get_by_role("region", name=name, exact=True).get_by_role("img")
        expect(picture).to_have_attribute("aria-label", re.compile(f"^{name}, the last .* now "))
    for replica in visitor.replicas:
        expect(visitor.fact(replica, "replication")).to_contain_text("up")
        expect(visitor.fact(replica, "behind")).to_contain_text("B")
    assert page.locator("[aria-hidden=true] a, [aria-hidden=true] button").count() == 0
    assert page.locator("img:not([alt]), input:not([type=checkbox]):not(label input)").count() == 0
    say("a screen reader gets what the picture shows")


def fits(browser, url, replicas, width, scheme, forced="none"):
    visitor = Visitor(
        browser, url, replicas, viewport={"width": width, "height": 800}, color_scheme=scheme,
        forced_colors=forced, reduced_motion="reduce",
    )  # fmt: skip
    visitor.wait_until_up()
    visitor.set("key_1", "value_1")
    visitor.get()
    visitor.page.get_by_label("Read continuously").check()
    expect(visitor.page.locator("#bars li").first).to_be_visible()
    expect(visitor.page.locator(".chart")).to_have_count(5, timeout=15000)
    what = f"{width} pixels in {scheme}" + (" with forced colours" if forced == "active" else "")
    assert not visitor.scrolls_sideways(), f"{what}: too few"
    if forced == "none":
        ground = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
        light = sum(int(number) for number in re.findall(r"\d+", ground)[:3]) > 384
        assert light == (scheme == "light"), f"{scheme} is {ground}"
        visitor.check_contrast(what)
    moving = visitor.page.evaluate("document.getAnimations().length")
    assert moving == 0, f"{what}: {moving} things move"
    visitor.shoot(f"{len(replicas)}-{width}-{scheme}" + ("-forced" if forced == "active" else ""))
    visitor.close()
    say(f"{what}: nothing scrolls sideways, and all can be read")


def take_pictures(browser, url, replicas, folder):
    """For the documents, with 60 reads to show."""
    for scheme in ("light", "dark"):
        visitor = Visitor(
            browser, url, replicas, viewport={"width": 1280, "height": 600}, color_scheme=scheme
        )
        visitor.wait_until_up()
        visitor.set("key_1", "value_1")
        visitor.page.get_by_label("Read continuously").check()
        expect(visitor.page.locator(".node.app .note").first).to_contain_text("of 60 reads", timeout=30000)
        visitor.set("key_1", "value_1")
        visitor.get()
        visitor.page.screenshot(path=f"{folder}/live-page-{scheme}.png", full_page=True)
        visitor.close()


def whole(browser, url, apps, master, replicas):
    visitor = Visitor(browser, url, replicas, viewport={"width": 1080, "height": 900})
    sets_and_gets(visitor)
    hostile_values(visitor)
    spreads_reads(visitor, apps)
    is_told_without_eyes(visitor)
    replica_dies(visitor)
    replica_comes_back(visitor)
    keyboard_reaches_everything(visitor)
    visitor.close()
    for width in (320, 800, 1440):
        for scheme in ("light", "dark"):
            fits(browser, url, replicas, width, scheme)
    for width in (320, 1440):
        fits(browser, url, replicas, width, "dark", forced="active")
    if folder := os.environ.get("LIVE_PAGE_IMAGES"):
        take_pictures(browser, url, replicas, folder)


def many(browser, url, _apps, _master, replicas):
    """Four replicas, and nine, have room on a wide screen and on a narrow one."""
    for width, scheme in ((320, "light"), (1440, "dark")):
        fits(browser, url, replicas, width, scheme)


def token(browser, url, _apps, _master, replicas):
    """A wrong token first, which the page says, then the right one, which this tab keeps, and no other one."""
    right = os.environ["LIVE_PAGE_TOKEN"]
    visitor = Visitor(browser, url, replicas, viewport={"width": 1080, "height": 900})
    page = visitor.page
    field = page.get_by_label("Bearer token")
    error = page.locator("#gate-error")
    expect(page.locator("#gate")).to_be_visible()
    visitor.wait_for_title("? token needed")
    expect(error).to_have_text("")
    for wrong in ("wrong", "wrong again"):
        field.fill(wrong)
        page.keyboard.press("Enter")
        expect(error).to_contain_text("This token is wrong")
        expect(field).to_have_value("")
        expect(page.locator("#gate")).to_be_visible()
        expect(field).to_be_focused()
        visitor.wait_for_title("? token needed")
        say(f"wrong: {error.text_content()}")
    field.fill(right)
    page.keyboard.press("Enter")
    visitor.wait_until_up()
    expect(page.locator("#gate")).to_be_hidden()
    visitor.set("key", "behind a token")
    visitor.get()
    assert visitor.value() == "behind a token", visitor.value()
    stored = page.evaluate("[localStorage.length, Object.values(sessionStorage), document.cookie]")
    assert stored == [0, [right], ""], stored
    assert not any(right in address for address in visitor.requests), visitor.requests
    # To the browser's console a 401 is an error; the token with a space was never sent.
    complaints = visitor.complaints
    assert len(complaints) == 2 and all("401" in text for text in complaints), complaints
    complaints.clear()
    page.reload()
    visitor.wait_until_up()
    other = Visitor(browser, url, replicas)
    expect(other.page.locator("#gate")).to_be_visible()
    other.context.close()
    visitor.click("Forget the token")
    expect(page.locator("#gate")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
    complaints.clear()
    visitor.close()


def keys(browser, url, _apps, _master, replicas):
    """Behind a proxy, below a prefix: each key is the key that was given, and no other."""
    visitor = Visitor(browser, url, replicas, viewport={"width": 1080, "height": 900})
    visitor.wait_until_up()
    for number, key in enumerate(KEYS):
        visitor.set(key, f"value {number}")
    for number, key in enumerate(KEYS):
        visitor.write_key(key)
        visitor.get()
        assert visitor.value() == f"value {number}", f"{key[:40]!r} has {visitor.value()!r}"
    say("stored: " + json.dumps(KEYS))
    visitor.write_key("b")
    visitor.click("Get")
    visitor.expect_outcome("key-not-found")
    visitor.write_key("")
    visitor.click("Set")
    visitor.expect_outcome("empty-key")
    visitor.click("Get")
    visitor.expect_outcome("empty-key")
    # The app's own words.
    assert len(visitor.page.locator("#meaning").text_content()) > 10
    for key in KEYS:
        visitor.write_key(key)
        visitor.click("Delete")
        visitor.expect_outcome("deleted")
    outside = [address for address in visitor.requests if not address.startswith((url, "data:"))]
    assert not outside, f"not below {url}: {outside}"
    for link in visitor.page.locator("footer a").all():
        assert link.evaluate("link => link.href").startswith(url)
    answer = visitor.page.request.get(visitor.page.locator("footer a").first.evaluate("link => link.href"))
    assert answer.status == 200 and "master" in answer.text(), answer.text()
    visitor.complaints[:] = [text for text in visitor.complaints if not re.search("status of 40[04]", text)]
    visitor.close()


def trouble(browser, url, _apps, master, replicas):
    """The page opens while the last replica is dead; then all goes wrong, one after the other."""
    visitor = Visitor(browser, url, replicas, viewport={"width": 1080, "height": 900})
    page = visitor.page
    last = replicas[-1]

    # A replica that was dead when the page came is not new, and not green.
    visitor.wait_for_title(f"▲ 1 of {len(replicas)} replicas not used")
    expect(visitor.state(last)).to_have_class(re.compile("bad"))
    assert "new" not in page.locator("#events").text_content()
    expect(visitor.figure("Reads")).to_contain_text(f"by {len(replicas)} of {len(replicas) + 1} servers")
    expect(visitor.figure("Writes")).to_contain_text("accepted")
    # Its figures are those that the app knew, with their age.
    expect(visitor.node(last).locator(".note")).to_contain_text(re.compile(r"last known figures, .* old"))
    expect(visitor.fact(last, "applied")).to_have_text(re.compile(r"^[\d,]+$"))
    visitor.check_contrast("a dead replica")
    visitor.shoot("trouble-dead-replica")
    say("please: start the last replica")
    visitor.wait_until_up()

    say("please: make the last replica a stray master")
    visitor.wait_for_title("▲ 1 stray master")
    expect(visitor.node(last).locator(".kind b")).to_have_text("stray master")
    expect(visitor.state(last)).to_have_class(re.compile("bad"))
    expect(visitor.fact(last, "behind")).to_have_text("–")
    visitor.check_contrast("a stray master")
    visitor.shoot("trouble-stray-master")
    say("please: make the last replica a replica again")
    visitor.wait_until_up()

    say("please: kill the master")
    visitor.wait_for_title("✗ writes refused")
    expect(visitor.state(master)).to_have_class(re.compile("bad"))
    expect(visitor.figure("Writes")).to_contain_text(re.compile(r"refused.*since .*, for \d+ "))
    expect(visitor.fact(master, "stream offset")).to_have_text(re.compile(r"^[\d,]+$"))
    expect(visitor.node(master).locator(".note")).to_contain_text("old")
    for replica in replicas:
        expect(visitor.fact(replica, "applied")).to_have_text(re.compile(r"^[\d,]+$"))
    expect(page.locator("#promotion-line")).to_contain_text(re.compile(r"127\.0\.0\.\d+:\d+"))
    expect(page.locator("#spoken")).to_contain_text("Writes refused")
    visitor.click("Set")
    expect(page.locator("#outcome")).to_have_class(re.compile("bad|warn"))
    visitor.check_contrast("a dead master")
    visitor.shoot("trouble-dead-master")

    say("please: kill the replicas")
    visitor.wait_for_title("✗ writes refused, no reads")
    for server in [master, *replicas]:
        expect(visitor.state(server)).to_have_class(re.compile("bad"))
    expect(page.locator("main .good")).to_have_count(0)
    expect(page.locator("#connection")).not_to_have_class(re.compile("good"))
    expect(visitor.figure("Reads")).to_contain_text(f"refused, 0 of {len(replicas) + 1} servers")
    expect(page.locator("#events .good")).to_have_count(0)
    for server in replicas:
        expect(visitor.fact(server, "applied")).to_have_text(re.compile(r"^[\d,]+$"))
    visitor.check_contrast("all servers dead")
    visitor.shoot("trouble-all-dead")

    say("please: kill the app")
    visitor.wait_for_title("? connection to the app lost")
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator("#lost-age")).to_contain_text(re.compile(r"The figures are [2-9] s old"))
    expect(page.locator("#verdict-line")).to_contain_text("not known")
    expect(page.locator("#verdict-more")).to_contain_text("writes refused")
    expect(page.locator("main .pill.good")).to_have_count(0)
    visitor.check_contrast("the app killed")
    visitor.shoot("trouble-app-killed")
    say("please: start all")
    visitor.wait_until_up()
    expect(page.locator("#lost")).to_be_hidden()
    # What could not be reached is an error to the browser's console.
    visitor.complaints[:] = [text for text in visitor.complaints if "Failed to load resource" not in text]
    visitor.close()


def leader(browser, url, _apps, master, replicas):
    """The app finds the leader among all nodes: the page says which, what a change costs, and how to try one."""
    visitor = Visitor(browser, url, replicas, viewport={"width": 1080, "height": 900})
    page = visitor.page
    line = page.locator("#leader-line")
    command = page.locator("#leader-command")
    visitor.wait_until_up()
    expect(line).to_contain_text(f"{master} leads and takes writes since ")
    expect(page.locator("#leader-try")).to_be_visible()
    expect(command).to_have_text(f"kill -9 $(pgrep -f 'redis-server .*:{master.split(':')[-1]}')")
    visitor.check_contrast("a leader")

    say("please: kill the leader")
    expect(line).to_contain_text("there is no leader", timeout=20000)
    expect(page.locator("#leader-try")).to_be_hidden()
    visitor.wait_for_title("✗ writes refused")
    visitor.write_key("waits")
    page.get_by_role("textbox", name="Value", exact=True).fill("for the next leader")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(line).to_contain_text("1 write(s) wait", timeout=20000)
    visitor.check_contrast("no leader")
    visitor.shoot("leader-none")

    say("please: promote the first replica")
    next_leader = re.escape(replicas[0])
    expect(line).to_contain_text(
        re.compile(next_leader + r" leads and takes writes since .* Before, no node took writes for \d+ ms"), timeout=20000
    )
    visitor.expect_outcome("stored")
    expect(command).to_have_text(f"kill -9 $(pgrep -f 'redis-server .*:{replicas[0].split(':')[-1]}')")
    expect(visitor.node(replicas[0]).locator(".kind b")).to_have_text("master")
    expect(page.locator("#events li", has_text=replicas[0]).first).to_be_visible()
    # None of them is configured as what it is.
    assert "configured as" not in page.locator("main").text_content()
    visitor.get()
    assert visitor.value() == "for the next leader", visitor.value()
    visitor.check_contrast("the next leader")
    visitor.shoot("leader-next")
    visitor.close()


def sentinel(browser, url, _apps, master, replicas):
    """Sentinel decides who leads: the page says so, and that the only Sentinel falls silent."""
    visitor = Visitor(browser, url, replicas, viewport={"width": 1080, "height": 900})
    line = visitor.page.locator("#sentinel-line")
    visitor.wait_until_up()
    expect(line).to_contain_text(f"Sentinel decides (kv, epoch 0): 1 of 1 Sentinels name {master}.", timeout=20000)
    expect(visitor.page.locator("#leader-line")).to_contain_text(f"{master} leads and takes writes")
    say("please: kill the Sentinel")
    expect(line).to_contain_text(f"0 of 1 Sentinels name {master}.", timeout=20000)
    expect(line).to_contain_text("127.0.0.20:")
    visitor.set("key", "still written")
    visitor.check_contrast("a silent Sentinel")
    visitor.close()


def main():
    tour, url, apps, master, *replicas = sys.argv[1:]
    tours = {"whole": whole, "many": many, "token": token, "keys": keys, "trouble": trouble, "leader": leader, "sentinel": sentinel}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        tours[tour](browser, url, int(apps), master, replicas)
        browser.close()
    say("done")


main()
