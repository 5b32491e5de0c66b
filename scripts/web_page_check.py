"""Has a real browser load a page of another origin, which tries to write to an app without a token; run by WebPageTests.

usage: web_page_check.py http://127.0.0.1:PORT

Prints what each try became, then "done". Anything that is not as it should be ends it with a message and exit code 1.
"""

import http.server
import sys
import threading

from playwright.sync_api import sync_playwright

VALUE = '{"key":"k","value":"page"}'
# Each is a body of fetch(…): without preflight where the mode is no-cors, with one where it is cors.
TRIES = {
    "a blob without a type": "{method:'POST', mode:'no-cors', body: new Blob([VALUE])}",
    "bytes": "{method:'POST', mode:'no-cors', body: new TextEncoder().encode(VALUE)}",
    "a string": "{method:'POST', mode:'no-cors', body: VALUE}",
    "a form": "{method:'POST', mode:'no-cors', body: new URLSearchParams({a: VALUE})}",
    "no referrer": "{method:'POST', mode:'no-cors', body: new Blob([VALUE]), referrerPolicy: 'no-referrer'}",
    "JSON, with a preflight": "{method:'POST', headers: {'Content-Type': 'application/json'}, body: VALUE}",
}


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>foreign</title>")

    def log_message(self, *_):
        pass


def fetch(page, url, options):
    """The answer's status, 0 where it may not be seen, or the error."""
    script = "([url, VALUE]) => fetch(url, %s).then(a => a.status, e => String(e))" % options
    return page.evaluate(script, [url, VALUE])


def main():
    app = sys.argv[1]
    port = app.rsplit(":", 1)[1]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    foreign = f"http://evil.example:{server.server_port}/"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--host-resolver-rules=MAP *.example 127.0.0.1",
                # Newer browsers ask the user before a page reaches loopback; here the app has to say no itself.
                "--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights,"
                "PrivateNetworkAccessRespectPreflightResults,BlockInsecurePrivateNetworkRequests",
            ],
        )  # fmt: skip
        page = browser.new_page()
        sent = []
        page.on("response", lambda answer: sent.append((answer.request.method, answer.url, answer.status)))
        page.goto(foreign)
        for name, options in TRIES.items():
            print(name, fetch(page, app + "/set", options), flush=True)
        for method in ("PUT", "DELETE"):
            options = "{method:'%s', body: '%s' === 'PUT' ? VALUE : undefined}" % (method, method)
            print(method, fetch(page, app + "/v1/keys/k", options), flush=True)
        posts = [status for method, url, status in sent if method == "POST" and url.startswith(app)]
        if not posts or any(status != 403 for status in posts):
            sys.exit(f"the app has to refuse what the foreign page posts: {sent}")
        if any(method in ("PUT", "DELETE") for method, url, _ in sent if url.startswith(app)):
            sys.exit(f"no preflight may allow a foreign page to go on: {sent}")
        # The same name, led to the app itself: to the browser the app is the page's own.
        answer = page.goto(f"http://rebound.example:{port}/readyz")
        if answer.status != 403 or "endpoint" in answer.text():
            sys.exit(f"a rebound name was answered {answer.status}: {answer.text()}")
        status = fetch(page, f"http://rebound.example:{port}/set",
                       "{method:'POST', headers: {'Content-Type': 'application/json'}, body: VALUE}")  # fmt: skip
        if status != 403:
            sys.exit(f"a rebound name wrote: {status}")
        page.goto(app + "/livez")
        own = "{method:'POST', body: new Blob(['{\"key\":\"own\",\"value\":\"own\"}'])}"
        if fetch(page, app + "/set", own) != 200:
            sys.exit("a page of the app's own could not write")
        browser.close()
    print("done", flush=True)


main()
