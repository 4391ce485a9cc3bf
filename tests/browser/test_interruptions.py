"""The network goes, the server is killed, the page is closed: every character is there in the end."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.person import Person, eventually, same
from tests.browser.proxy import Manner, Proxy
from tests.live import Server

AWAY = re.compile("Reconnecting…|Offline – .*")


def test_both_keep_typing_while_the_server_is_killed_and_started_again(own_server: Server, someone: Someone) -> None:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    path = ana.starts_note()
    ben.opens_note(ana.shares(path))
    written = {ana: "", ben: ""}

    def both_type(what: str) -> None:
        for number in range(5):
            for person in (ana, ben):
                word = f"{person.name.lower()}-{what}-{number} "
                written[person] += word
                person.types(word)

    ana.types("\n")
    expect(ben.body.locator("p")).to_have_count(2)
    ana.presses("Control+Home")
    ben.goes_to_the_end()
    for round_ in range(3):
        both_type(f"before{round_}")
        own_server.kill()
        both_type(f"during{round_}")
        expect(ana.state).to_have_text(AWAY)
        own_server.start()
        both_type(f"after{round_}")
    for person in (ana, ben):
        person.sees_saved()
        for text in written.values():
            person.sees(text.strip())
    same(ana, ben)
    assert ana.text() == f"{written[ana]}\n{written[ben]}"  # nothing twice, nothing else
    ana.sees_kept(written[ben].strip())


def test_a_page_that_was_offline_the_whole_time_merges_on_return(someone: Someone) -> None:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    ben.opens_note(ana.shares(ana.starts_note()))
    ana.types("A first paragraph.\n")
    ben.sees("A first paragraph.\n")
    ben.context.set_offline(True)
    ana.types("Ana writes on with the network.")
    ben.goes_to_the_end()
    ben.types("Ben writes on without.")
    expect(ben.state).to_have_text(re.compile(r"Offline – \d+ edits? kept on this device, will sync"))
    assert "with the network" not in ben.text()
    ben.context.set_offline(False)
    for person in (ana, ben):
        person.sees("Ana writes on with the network.")
        person.sees("Ben writes on without.")
    ben.sees_saved()
    expect(ben.page.get_by_text("Back online, all edits saved")).to_be_visible()
    same(ana, ben)


def test_reloading_offline_shows_the_note_and_keeps_what_was_typed(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    path = ana.starts_note("On the train")
    ana.types("Typed at the station. ")
    ana.sees_kept("Typed at the station.")
    settled(ana)
    ana.context.set_offline(True)
    ana.types("Typed in the tunnel. ")
    expect(ana.state).to_have_text(re.compile("kept on this device"))
    ana.page.reload()
    ana.sees("Typed at the station. Typed in the tunnel.")
    expect(ana.title).to_have_text("On the train")
    ana.goes_to_the_end()
    ana.types("Typed after the reload.")
    expect(ana.state).to_have_text(re.compile("kept on this device"))
    ana.context.set_offline(False)
    ana.sees_saved()
    ana.sees_kept("Typed at the station. Typed in the tunnel. Typed after the reload.")
    assert ana.page.url.endswith(path)


def test_what_was_typed_offline_arrives_though_the_page_was_closed(someone: Someone) -> None:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    path = ana.starts_note()
    ben.opens_note(ana.shares(path))
    ana.types("Here. ")
    ana.sees_kept("Here.")
    settled(ana)
    ana.context.set_offline(True)
    ana.types("Typed offline, then the page was closed.")
    expect(ana.state).to_have_text(re.compile("kept on this device"))
    ana.page.close()
    ana.context.set_offline(False)
    ana.page = ana.context.new_page()
    ana.opens_note(path)
    ana.sees("Here. Typed offline, then the page was closed.")
    ben.sees("Here. Typed offline, then the page was closed.")
    ana.sees_saved()
    same(ana, ben)


def test_an_edit_that_the_server_never_takes_does_not_end_the_note(someone: Someone) -> None:
    ana = someone("Ana", permissions=["clipboard-read", "clipboard-write"]).comes_as_guest()
    ana.starts_note()
    ana.types("Taken. ")
    ana.sees_kept("Taken.")
    # No editor of ours makes such a link (bounds.ts).
    ana.body.evaluate("""(body) => {
        const marks = [{ type: 'link', attrs: { href: 'https://example.org/' + 'a'.repeat(20000) } }]
        body.editor.commands.insertContent({ type: 'text', text: 'Not taken.', marks })
    }""")
    expect(ana.state).to_have_text("Not saved: the server did not understand an edit")
    ana.types(" Nor this.")
    ana.page.get_by_role("button", name="Take what is on the server").click()
    ana.page.get_by_role("button", name="Copy my text").click()
    assert "Taken. Not taken. Nor this." in ana.page.evaluate("navigator.clipboard.readText()")
    ana.sees_no("Not taken.")
    ana.sees("Taken.")
    ana.goes_to_the_end()
    ana.types("Going on.")
    ana.sees_kept("Taken. Going on.")
    assert not ana.barriers()
    ana.page.get_by_role("button", name="Let it go").click()
    expect(ana.page.get_by_text("is kept apart on this device")).to_have_count(0)
    ana.page.reload()
    ana.sees("Taken. Going on.")
    expect(ana.page.get_by_role("button", name="Copy my text")).to_have_count(0)


@pytest.mark.parametrize("manner", ["swallow", "close", "accept", "accept and close"])
def test_where_no_websocket_gets_through_the_note_is_written_by_polling(
    server: Server, someone: Someone, manner: Manner
) -> None:
    proxy = Proxy(server.port, manner)
    ana = someone("Ana", base_url=proxy.url).comes_as_guest()
    ana.starts_note()
    ana.types("Ana polls.")
    ana.sees_saved()
    ana.sees_kept("Ana polls.")
    tries = proxy.refused
    assert tries
    ana.page.reload()
    ana.types(" And she does so at once after a reload.")
    ana.sees_saved()
    ana.sees_kept("after a reload.")
    assert proxy.refused == tries
    proxy.close()


def test_under_an_address_that_the_server_does_not_know_it_says_so_and_what_to_do(
    own_server: Server, someone: Someone
) -> None:
    proxy = Proxy(own_server.port, "rename")
    ana = someone("Ana", base_url=proxy.url).comes_as_guest()
    ana.excuses("403")
    answer = ana.asks("POST", "/api/documents", {"title": "Behind a proxy"})
    ana.opens(f"/n/{answer.json()['id']}")
    band = ana.page.locator(".band")
    expect(band).to_contain_text(f"add {proxy.url} to PALIMPSEST_ORIGINS")
    expect(band.get_by_role("button", name="Retry")).to_be_visible()
    expect(ana.title).to_contain_text("Behind a proxy")
    expect(ana.body).to_have_attribute("contenteditable", "false")
    assert own_server.log.count(f"Refused a page of '{proxy.url}'") == 1
    assert ana.barriers() == []
    proxy.close()


def settled(person: Person) -> None:
    """The service worker has what it needs to open notes without a network."""
    person.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    ready = "async () => navigator.serviceWorker.controller !== null && await caches.match('/offline') !== undefined"
    eventually(person.page, lambda: bool(person.page.evaluate(ready)), lambda: "the service worker to be ready")
