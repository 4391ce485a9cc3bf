"""Pages: what a browser gets before any script has run."""

import gzip
import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask
from pycrdt import XmlFragment
from werkzeug.test import TestResponse

from editor import pages
from editor.content import html
from editor.recent import Recent
from tests.editor.conftest import Arrive, write


def boot(page: TestResponse) -> Any:
    """The boot object in a page; None: it has none."""
    found = re.search(r'<meta name="palimpsest" content="([^"]*)">', page.text)
    assert found is not None
    return json.loads(unescape(found[1])) if found[1] else None


def test_the_first_page_says_who_is_here(arrive: Arrive) -> None:
    ada = arrive()
    for path in ("/", "/signin", "/signup", "/settings", "/?view=bin"):
        page = ada.get(path)
        assert page.status_code == 200
        assert page.content_type == "text/html; charset=utf-8"
        assert boot(page)["user"] is None
        assert boot(page)["first"] is True
        assert '<div id="app"></div>' in page.text
    ada.sign_up("Ada")
    assert boot(ada.get("/")) == ada.get("/api/me").get_json()


def test_the_text_of_a_note_is_in_the_first_response(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note(title="Plans & <ideas>")
    write(app, note, 1, "First <b>line</b>", "Second")
    page = ada.get(f"/n/{note}")
    assert (
        '<div id="app"><main class="first"><article class="note">'
        '<h1 class="note-title" dir="auto">Plans &amp; &lt;ideas&gt;</h1>'
        '<div class="note-body"><p>First &lt;b&gt;line&lt;/b&gt;</p><p>Second</p></div></article></main></div>'
    ) in page.text
    assert "<title>Plans &amp; &lt;ideas&gt; – Palimpsest</title>" in page.text
    document = boot(page)["document"]
    assert (document["id"], document["role"]) == (note, "owner")
    assert boot(page)["user"]["name"] == "Ada"


def test_a_large_page_comes_compressed_to_those_who_understand(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    for words in ("a" * 5000, "b" * 70_000):
        note = ada.new_note()
        write(app, note, 1, words)
        plain = ada.get(f"/n/{note}")
        zipped = ada.get(f"/n/{note}", headers={"Accept-Encoding": "gzip"})
        assert zipped.headers["Content-Encoding"] == "gzip"
        assert len(zipped.data) < len(plain.data) / 3
        assert words in gzip.decompress(zipped.data).decode()
        for page in (plain, zipped):
            assert "Accept-Encoding" in page.headers["Vary"]
        assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in ada.get("/", headers={"Accept-Encoding": "gzip"}).headers


def test_many_who_open_a_note_at_once_have_it_rendered_once(
    app: Flask, arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    write(app, note, 1, *[f"Line {number}" for number in range(1000)])
    rendered: list[None] = []
    real = html.beginning

    def beginning(body: XmlFragment, most: int, pause: Callable[[], None]) -> tuple[str, bool]:
        rendered.append(None)
        return real(body, most, pause)

    monkeypatch.setattr(html, "beginning", beginning)
    texts = [gevent.spawn(lambda: ada.get(f"/n/{note}").text) for _ in range(5)]
    assert all("Line 999" in text.get(timeout=20) for text in texts)
    assert len(rendered) == 1


def test_of_a_long_note_the_first_response_holds_the_beginning(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    write(app, note, 1, *[f"Line {number} of many that are in this note." for number in range(5000)])
    short, whole = ada.get(f"/n/{note}").text, ada.get(f"/n/{note}?whole").text
    assert pages.FIRST < len(short) < 2 * pages.FIRST < len(whole)
    lines = re.findall(r"<p>(.*?)</p>", whole)
    assert len(lines) == 5000
    shown = re.findall(r"<p>(.*?)</p>", short)
    assert shown == lines[: len(shown)]
    assert f'</p><p class="note-rest"><a href="/n/{note}?whole">Show all of this note</a></p></div>' in short
    assert "note-rest" not in whole
    write(app, note, 1, "The end.")
    assert "The end." not in ada.get(f"/n/{note}").text
    assert "<p>The end.</p>" in ada.get(f"/n/{note}?whole").text


def test_the_page_of_a_note_names_the_scripts_that_show_it(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")

    def named(path: str) -> list[str]:
        return re.findall(r'<link rel="modulepreload" crossorigin href="([^"]*)">', ada.get(path).text)

    assert named(f"/n/{ada.new_note()}") == ["/assets/Note-abc.js", "/assets/main-abc.js", "/assets/editor-abc.js"]
    assert named("/") == []
    assert named("/n/nothing") == []


def test_what_was_just_typed_is_in_the_next_response(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    for number in range(3):
        write(app, note, 1, f"Line {number}")
        for _ in range(2):
            assert ada.get(f"/n/{note}").text.count("<p>Line") == number + 1


def test_a_title_can_hold_anything(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    title = """</title>{boot} {0} %s "quoted" '&amp; </script>"""
    page = ada.get(f"/n/{ada.new_note(title=title)}")
    assert boot(page)["document"]["title"] == title
    assert page.text.count("</title>") == 1
    assert "</script>" not in page.text.replace('src="/src/main.ts"></script>', "")


def test_who_may_not_know_gets_the_same_page_as_for_a_note_that_is_not_there(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note(title="Secret")

    def told(path: str) -> str:
        page = bob.get(path)
        assert page.status_code == 404
        assert "document" not in boot(page)
        return page.text.replace(boot(page)["csrf"], "")  # signed anew each second

    assert told(f"/n/{note}") == told("/n/" + "x" * 22)
    assert "There is no note here for you" in told(f"/n/{note}")
    assert bob.get("/no/such/page").status_code == 404


def test_the_theme_is_there_before_anything_is_drawn(arrive: Arrive) -> None:
    ada = arrive()
    for cookie, theme in [("dark", "dark"), ("light", "light"), ("", ""), ('"><script>', "")]:
        ada.client.set_cookie("theme", cookie)
        assert f'<html lang="en" data-theme="{theme}">' in ada.get("/").text


def test_the_shell_for_times_without_a_network_knows_nobody(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    page = ada.get("/offline")
    # It may come just when she signs out: her cookie must not come with it.
    assert "Set-Cookie" not in page.headers
    assert boot(page) is None
    assert "Ada" not in page.text


def test_pages_are_for_this_visit_and_assets_for_ever(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    assert ada.get("/").headers["Cache-Control"] == "no-store"
    assert ada.get(f"/n/{ada.new_note()}").headers["Cache-Control"] == "no-store"
    script = ada.get("/assets/main-abc.js")
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert script.mimetype == "text/javascript"
    worker = ada.get("/sw.js")
    assert worker.headers["Cache-Control"] == "no-cache"
    assert ada.get("/sw.js", headers={"If-None-Match": worker.headers["ETag"]}).status_code == 304


def test_assets_come_compressed_to_those_who_understand(built: Path, arrive: Arrive) -> None:
    import gzip

    whole = (built / "assets" / "main-abc.js").read_bytes()
    visitor = arrive()
    packed = visitor.get("/assets/main-abc.js", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == whole
    for accepts in ("", "identity", "gzip;q=0"):
        assert visitor.get("/assets/main-abc.js", headers={"Accept-Encoding": accepts}).data == whole


def test_a_file_outside_the_build_is_not_an_asset(built: Path, arrive: Arrive) -> None:
    (built.parent / "secret_key").write_text("secret")
    visitor = arrive()
    for path in ("/assets/../../secret_key", "/assets/%2e%2e/%2e%2e/secret_key", "/assets/", "/assets/none.js"):
        assert visitor.get(path).status_code == 404
    (built / "sw.js").unlink()
    assert visitor.get("/sw.js").status_code == 404


def test_a_new_build_is_served_at_once(built: Path, arrive: Arrive) -> None:
    visitor = arrive()
    assert "rebuilt" not in visitor.get("/").text
    index = built / "index.html"
    index.write_text(index.read_text().replace("<body>", '<body class="rebuilt">'))
    assert 'class="rebuilt"' in visitor.get("/").text


def test_without_a_build_the_page_says_how_to_get_one(built: Path, arrive: Arrive) -> None:
    (built / "index.html").unlink()
    page = arrive().get("/")
    assert page.status_code == 503
    assert "make run" in page.text


def test_a_template_that_lacks_a_slot_is_noticed(built: Path, arrive: Arrive) -> None:
    (built / "index.html").write_text("<html></html>")
    with pytest.raises(ValueError, match="expected <html"):
        pages._template(built / "index.html", 0)


def test_rendered_notes_take_a_bounded_space() -> None:
    rendered = Recent(4 * 1000, pages.size)
    for number in range(20):
        rendered.keep(str(number), 1, ("t" * 10, "b" * 90))
    assert [number for number in range(20) if rendered.get(str(number), 1)] == list(range(10, 20))
    assert rendered.get("19", 2) is None, "what is kept is older"
    assert rendered.get("10", 1) is not None, "and used again now"
    rendered.keep("20", 1, ("", "b" * 100))
    assert rendered.get("10", 1) is not None
    assert rendered.get("11", 1) is None
    rendered.keep("21", 1, ("", "b" * 1001))
    assert rendered.get("21", 1) is None, "too large to keep at all"


def test_the_session_lasts_from_the_last_visit_on(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    assert "Set-Cookie" not in ada.get("/api/documents").headers
    assert "Expires=" in ada.get("/").headers["Set-Cookie"]


def test_the_addresses_of_a_notes_past_open_the_note(app: Flask, arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    note = ada.new_note(title="Plans")
    write(app, note, 1, "The first line")
    secret = ada.share(note, "viewer").partition("?")[2]
    for view in ("history", "who"):
        visitor = arrive()
        assert visitor.get(f"/n/{note}/{view}").status_code == 404
        page = visitor.get(f"/n/{note}/{view}?{secret}")
        assert page.status_code == 200, "who may not see the history sees the note, and its script says so"
        assert "<p>The first line</p>" in page.text
        assert "<p>The first line</p>" in ada.get(f"/n/{note}/{view}").text
        assert bob.get(f"/n/{note}/{view}x").status_code == 404
