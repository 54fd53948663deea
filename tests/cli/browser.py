"""Do the pages work in a browser, at a desk and on a phone?

Writes a run's report (with a scenario whose texts are hostile), a comparison and the claims page, and opens
them in headless Chromium in frames 1280 and 390 pixels wide. In each: no error and no message on the console, no
horizontal overflow, nothing of the hostile texts has become an element or has run, a click on a table's head
sorts it, and the link at a headline figure leads to how it was obtained and from there to its terms.
"""

import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
WIDTHS = (1280, 390)
HOSTILE = "</title></script><script>document.title='run'</script><img src=x onerror=alert(1)>'\"&amp;{{title}}"
SCENARIO = """scenario = "NAME"
title    = 'TITLE'
question = 'TITLE?'
[model]
use     = "mobilellm_125m"
weights = "FORMAT"
[machine]
device = "iphone_13"
unit   = "npu"
[workload]
prompt_tokens   = 16
generate_tokens = 4
[battery]
"""

# Runs in the page, first of all: what goes wrong later is kept.
WATCH = "window.faults=[];window.onerror=function(m){faults.push('error: '+m)};"

# Runs in the page, last: looks, clicks, and tells the page around it.
LOOK = """
(function () {
  function fault(text) { faults.push(text); }
  var root = document.documentElement;
  if (root.scrollWidth > window.innerWidth) fault('is ' + root.scrollWidth + ' wide in ' + window.innerWidth);
  if (document.querySelector('img[src="x"]')) fault('a hostile text became an element');
  if (document.title === 'run') fault('a hostile text ran');
  document.querySelectorAll('a[href^="#"]').forEach(function (a) {
    if (!document.getElementById(decodeURIComponent(a.getAttribute('href').slice(1)))) fault('leads nowhere: ' + a.href);
  });
  var tables = 0;
  document.querySelectorAll('table').forEach(function (table) {
    var head = table.tHead && Array.from(table.tHead.rows[0].cells).find(function (c) {
      return c.hasAttribute('data-sort') && table.tBodies[0].rows[0].cells[c.cellIndex].hasAttribute('data-v');
    });
    if (!head) return;
    ++tables;
    function values() {
      return Array.from(table.tBodies[0].rows).filter(function (r) { return r.className !== 'total'; })
        .map(function (r) { return parseFloat(r.cells[head.cellIndex].getAttribute('data-v')); })
        .filter(function (v) { return !isNaN(v); });
    }
    function sorted(sign) {
      var v = values();
      return v.every(function (x, i) { return i === 0 || sign * (x - v[i - 1]) >= 0; });
    }
    head.click();
    if (!sorted(-1)) fault('a table is not sorted downwards: ' + values());
    head.click();
    if (!sorted(1)) fault('a table is not sorted upwards: ' + values());
  });
  var why = document.querySelector('a.why'), followed = '';
  if (why) {
    why.click();
    var row = document.getElementById(why.getAttribute('href').slice(1));
    if (location.hash !== why.getAttribute('href')) fault('the link to an explanation was not followed');
    var terms = row && row.querySelector('td.wide a');
    if (!row || row.querySelector('td.wide').textContent.trim().length < 10) fault('no explanation at ' + why.href);
    if (terms) { terms.click(); followed = location.hash; }
    if (!terms || !document.getElementById(followed.slice(1))) fault('no terms of ' + why.textContent);
  }
  parent.postMessage({width: window.innerWidth, tables: tables, followed: followed, faults: faults}, '*');
})();
"""

FRAMES = """<!doctype html><html><body><pre id="said"></pre>%s<script>
var said = [];
addEventListener('message', function (e) { said.push(e.data); document.getElementById('said').textContent = JSON.stringify(said); });
</script>%s</body></html>"""


def browser():
    return next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


def run(program, *arguments, cwd):
    done = subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"joulesim {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")


def looked_at(chromium, page):
    """What the page said of itself at each width, and what the browser printed on its console."""
    text = page.read_text(encoding="utf-8")
    watched = page.with_name("watched.html")
    watched.write_text(
        text.replace("<head>", f"<head><script>{WATCH}</script>", 1).replace("</body>", f"<script>{LOOK}</script></body>"),
        encoding="utf-8",
    )
    frames = "".join(f'<iframe src="watched.html" style="width:{w}px;height:900px;border:0"></iframe>' for w in WIDTHS)
    around = page.with_name("around.html")
    around.write_text(FRAMES % ("", frames), encoding="utf-8")
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--window-size=1400,1000",
             "--enable-logging=stderr", "--virtual-time-budget=8000", "--dump-dom", around.as_uri()],
            capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": profile})
    found = re.search(r'<pre id="said">(.*?)</pre>', done.stdout, re.S)
    said = json.loads(html.unescape(found[1])) if found and found[1] else []
    return said, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def main(program):
    chromium = browser()
    if chromium is None:
        print("no Chromium here; the pages were not opened")
        return SKIPPED
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        for name, weights in (("a", "int8"), ("b", "int4")):
            text = SCENARIO.replace("NAME", name).replace("FORMAT", weights).replace("TITLE", HOSTILE.replace("'", "`"))
            (place / f"{name}.toml").write_text(text, encoding="utf-8")
        run(program, "compare", "a.toml", "b.toml", "--quiet", cwd=place)
        run(program, "validate", "claims", "--only", "A1", "A2", "B1", "--out", "out", "--quiet", cwd=place)
        for page in ("a/report.html", "comparison.html", "claims.html"):
            said, console = looked_at(chromium, place / "out" / page)
            faults += [f"{page}: console: {line}" for line in console]
            if sorted(s["width"] for s in said) != sorted(WIDTHS):
                faults.append(f"{page}: was not shown at {WIDTHS}: {said}")
            for frame in said:
                print(f"{page}: {frame['width']} px, {frame['tables']} tables sorted, followed {frame['followed'] or 'no link'}")
                faults += [f"{page} at {frame['width']} px: {fault}" for fault in frame["faults"]]
                if frame["tables"] == 0:
                    faults.append(f"{page} at {frame['width']} px: no table could be sorted")
                if page.startswith("a/") and not frame["followed"]:
                    faults.append(f"{page} at {frame['width']} px: no explanation was followed")
    print("\n".join(faults) or "the pages work")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
