"""The pages in Chromium, at two workers, while those and Redis are taken away."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.person import PATIENCE, Person, same
from tests.cluster.cluster import WORKERS, Cluster

Someone = Callable[[str, str], Person]


@pytest.fixture
def someone(browser: Browser) -> Iterator[Someone]:
    """`someone("Ana", url)` has a browser of their own. A page that complains fails the test."""
    people: list[Person] = []

    def come(name: str, url: str) -> Person:
        context = browser.new_context(base_url=url)
        context.set_default_timeout(PATIENCE * 1000)
        people.append(Person(context, name, url))
        people[-1].excuses("status of 400")  # a poll of a session whose worker was killed
        return people[-1]

    yield come
    for person in people:
        person.context.close()
    complaints = [complaint for person in people for complaint in person.complaints]
    assert not complaints, "\n".join(complaints)


def test_two_pages_at_two_workers_in_bad_weather(cluster: Cluster, someone: Someone) -> None:
    ana = someone("Ana", cluster.url).comes_as_guest()
    path = ana.starts_note()
    hers = cluster.serves(path.split("/")[2])
    his = (hers + 1) % WORKERS
    ben = someone("Ben", cluster.worker(his).url).comes_as_guest()
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
    expect(ben.page.locator(".caret")).to_have_count(1)
    ana.presses("Control+Home")
    ben.goes_to_the_end()
    both_type("calm")
    cluster.redis.process.kill()
    both_type("no-redis")
    for one, other in ((ana, ben), (ben, ana)):
        one.sees(written[other].strip())
    cluster.redis.process.start()
    for worker in (hers, his):
        cluster.kill(worker)
        both_type(f"killed-{worker}")
    cluster.postgres.restart()
    both_type("restarted")
    cluster.server.reload()
    both_type("replaced")
    for person in (ana, ben):
        # After so many failures a page waits for up to 15 s before it tries again.
        expect(person.page.locator('.state[data-pending="false"]')).to_have_text("Saved", timeout=60_000)
    for person in (ana, ben):
        for text in written.values():
            person.sees(text.strip())
    same(ana, ben)
    assert ana.text() == f"{written[ana]}\n{written[ben]}"  # nothing twice, nothing else
    expect(ana.page.get_by_text(re.compile("went wrong|failed|not possible", re.IGNORECASE))).to_have_count(0)
    cluster.until(lambda: all(cluster.ready(worker) for worker in range(WORKERS)))
