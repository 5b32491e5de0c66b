"""Looks at the live page in a real browser; run by LivePageTests, which starts the servers, and kills and revives one.

usage: live_page_check.py URL APPS MASTER REPLICA… ; where to write pictures: LIVE_PAGE_IMAGES=folder;
the bearer token, where the app asks for one: LIVE_PAGE_TOKEN=token

The first replica is the one that dies. Lines on stdout tell the test what was seen and when (seconds since 1970); the last
one is "done". Anything that is not as it should be ends the program with a message and exit code 1.
"""

import os
import re
import sys
import time

from playwright.sync_api import expect, sync_playwright

HOSTILE = (
    "<script>window.hacked=1</script><img src=x onerror=\"window.hacked=2\">"
    "<svg onload='window.hacked=3'></svg></pre>{nonce} & \"quotes\" é😀"
)
WATCH = """
addEventListener('securitypolicyviolation', event => {
  (window.violations ||= []).push(event.violatedDirective + ' ' + event.blockedURI);
});
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
        self.page.on("console", self.note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.add_init_script(WATCH)
        self.page.goto(url)

    def note(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def node(self, name):
        return self.page.locator(".node", has=self.page.get_by_text(name, exact=True))

    def wait_until_up(self):
        for replica in self.replicas:
            expect(self.node(replica).locator(".pill")).to_have_text("up")
        expect(self.page.locator("#connection")).to_contain_text("live, from")

    def set(self, key, value):
        self.page.get_by_role("textbox", name="Key", exact=True).fill(key)
        self.page.get_by_role("textbox", name="Value", exact=True).fill(value)
        self.page.get_by_role("button", name="Set", exact=True).click()
        expect(self.page.locator("#verdict")).to_have_text(re.compile("^(created|stored)$"))

    def get(self):
        self.page.get_by_role("button", name="Get", exact=True).click()
        expect(self.page.locator("#shown")).to_be_visible()

    def value(self):
        return self.page.locator("#shown").text_content()

    def scrolls_sideways(self):
        return self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

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
    expect(visitor.page.locator("#verdict")).to_have_text("satisfied")
    expect(visitor.page.locator("#meaning")).to_contain_text("has your last set")
    expect(visitor.page.locator("#served")).to_contain_text("Answered by the ")
    say("set, got, and the verdict is satisfied")


def hostile_values(visitor):
    visitor.set("hostile", HOSTILE)
    visitor.get()
    assert visitor.value() == HOSTILE, visitor.value()
    assert visitor.page.locator("#shown *").count() == 0, "the value became elements"
    visitor.set("<img src=x onerror=window.hacked=4>", "x")
    visitor.get()
    say("markup in a key and a value is text")


def spreads_reads(visitor, apps):
    visitor.page.get_by_role("button", name="Read ten times").click()
    visitor.page.get_by_label("Read continuously").check()
    counts = visitor.page.locator("#bars li")
    expect(counts).to_have_count(apps + len(visitor.replicas), timeout=15000)
    expect(visitor.page.locator(".node.app:not(.away)")).to_have_count(apps, timeout=15000)
    say("reads are spread over every app and replica")


def replica_dies(visitor):
    victim = visitor.node(visitor.replicas[0])
    state = victim.locator(".pill")
    say("ready for the death of a replica")
    expect(state).to_have_class(re.compile("bad"), timeout=20000)
    say(f"away: {state.text_content()}")
    expect(visitor.page.locator("#happenings")).to_contain_text(visitor.replicas[0])
    expect(visitor.page.locator(".label.bad")).to_have_text("away")
    other = visitor.node(visitor.replicas[1]).locator(".pill")
    expect(other).to_have_text("up")


def replica_comes_back(visitor):
    expect(visitor.node(visitor.replicas[0]).locator(".pill")).to_have_text("up", timeout=30000)
    say("back")
    expect(visitor.page.locator("#happenings")).to_contain_text("is up again")
    expect(visitor.page.locator(".label.good")).to_have_count(len(visitor.replicas), timeout=15000)


def keyboard_reaches_everything(visitor):
    wanted = ["key", "value", "set", "get"]
    visitor.page.locator("body").click(position={"x": 2, "y": 2})
    reached = []
    for _ in range(12):
        visitor.page.keyboard.press("Tab")
        reached.append(visitor.page.evaluate("document.activeElement.id"))
    assert [name for name in reached if name in wanted][:4] == wanted, f"Tab reaches {reached}"
    visitor.page.locator("#key").focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator("#verdict")).to_have_text(re.compile("^(created|stored)$"))
    say("the keyboard is enough")


def fits(browser, url, replicas, width, scheme):
    visitor = Visitor(
        browser, url, replicas, viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    visitor.wait_until_up()
    ground = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert not visitor.scrolls_sideways(), f"{width} pixels are too few"
    light = sum(int(number) for number in re.findall(r"\d+", ground)[:3]) > 384
    assert light == (scheme == "light"), f"{scheme} is {ground}"
    visitor.close()
    say(f"{width} pixels in {scheme}: nothing scrolls sideways")


def take_pictures(browser, url, replicas, folder):
    """For the documents, with 60 reads to show."""
    for scheme in ("light", "dark"):
        visitor = Visitor(
            browser, url, replicas, viewport={"width": 1080, "height": 600}, color_scheme=scheme
        )
        visitor.wait_until_up()
        visitor.set("key_1", "value_1")
        visitor.page.get_by_label("Read continuously").check()
        expect(visitor.page.locator(".node.app .note").first).to_contain_text("of 60 reads", timeout=30000)
        visitor.set("key_1", "value_1")
        visitor.get()
        visitor.page.screenshot(path=f"{folder}/live-page-{scheme}.png", full_page=True)
        visitor.close()


def shows_the_token(visitor, token):
    """A wrong token first, then the right one. It is in memory alone, so the page asks again when it is loaded anew."""
    page = visitor.page
    field = page.get_by_label("Bearer token")
    expect(page.locator("#gate")).to_be_visible()
    field.fill("wrong")
    page.keyboard.press("Enter")
    expect(field).to_have_value("")
    expect(page.locator("#gate")).to_be_visible()
    field.fill(token)
    page.keyboard.press("Enter")
    visitor.wait_until_up()
    visitor.set("key", "behind a token")
    visitor.get()
    assert visitor.value() == "behind a token", visitor.value()
    stored = page.evaluate("JSON.stringify([localStorage.length, sessionStorage.length, document.cookie])")
    assert stored == '[0,0,""]', stored
    # To the browser's console a 401 is an error: one without a token, one with the wrong one.
    complaints = visitor.complaints
    assert len(complaints) == 2 and all("401" in text for text in complaints), complaints
    page.reload()
    expect(page.locator("#gate")).to_be_visible()
    complaints.clear()
    visitor.close()


def main():
    url, apps, *servers = sys.argv[1:]
    replicas = servers[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        visitor = Visitor(browser, url, replicas, viewport={"width": 1080, "height": 900})
        if token := os.environ.get("LIVE_PAGE_TOKEN"):
            shows_the_token(visitor, token)
            browser.close()
            return say("done")
        sets_and_gets(visitor)
        hostile_values(visitor)
        spreads_reads(visitor, int(apps))
        replica_dies(visitor)
        replica_comes_back(visitor)
        keyboard_reaches_everything(visitor)
        visitor.close()
        for width in (360, 800):
            for scheme in ("light", "dark"):
                fits(browser, url, replicas, width, scheme)
        if folder := os.environ.get("LIVE_PAGE_IMAGES"):
            take_pictures(browser, url, replicas, folder)
        browser.close()
    say("done")


main()
